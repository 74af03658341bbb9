/** Calls what a user gave to hear of changes. */
import type { Log } from '../../ports/log.js';

/** Not waited for: a listener that hangs would hold back what follows for ever. What it throws is logged. */
export function callListener(log: Log, name: string, call: () => unknown): void {
  new Promise((resolve) => resolve(call())).catch((error: unknown) => log.error({ error }, `the ${name} failed`));
}
