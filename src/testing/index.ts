/** The testing door: time and chance that a test controls. */
export { SeededChance } from './seeded-chance.js';
export { SeededIds } from './seeded-ids.js';
export { VirtualClock } from './virtual-clock.js';
