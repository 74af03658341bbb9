import { MemoryRegistry } from '../../src/adapters/memory/memory-registry.js';
import { registrySuite } from './registry.suite.js';

registrySuite('memory', async () => {
  const registry = new MemoryRegistry();
  return { registry: async () => registry.node(), cleanUp: async () => {} };
});
