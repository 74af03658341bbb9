import { SystemClock } from '../../src/adapters/system/system-clock.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { clockSuite } from './clock.suite.js';

// Real time: these sleeps of 30 ms and less are what the suite is about.
clockSuite('system', () => ({ clock: new SystemClock(), pass: async () => {}, cleanUp: async () => {} }));

clockSuite('virtual', () => {
  const clock = new VirtualClock();
  return { clock, pass: (ms) => clock.advance(ms), cleanUp: async () => {} };
});
