import { MemoryLeases } from '../../src/adapters/memory/memory-leases.js';
import { leasesSuite } from './leases.suite.js';

leasesSuite('memory', async () => ({ leases: new MemoryLeases(), end: async () => {} }));
