import { MemoryNetwork } from '../../src/adapters/memory/memory-transport.js';
import { SystemClock } from '../../src/adapters/system/system-clock.js';
import { transportSuite } from './transport.suite.js';

transportSuite('memory', async () => {
  const clock = new SystemClock();
  const network = new MemoryNetwork(clock);
  return {
    node: async () => network.transport(),
    settle: () => clock.endOfTurn(),
    cleanUp: async () => {},
  };
});
