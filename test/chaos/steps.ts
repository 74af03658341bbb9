/** What can be done to a cast, as data: a scenario is a list of these. */

import type { Direction } from './cast/proxy.js';
import type { Work } from './journal.js';

/** Points in a node's work at which it can be hit. */
export type Point =
  /** A worker in the middle of a run of a second or more. */
  | 'running'
  /** A worker after the end of a run, before the report of it. */
  | 'run-end'
  /** A tracker right after an answer to a submit. */
  | 'accepted'
  /** A tracker that committed and whose answers are not out yet. */
  | 'answering'
  /** A tracker with nothing but parked pulls. */
  | 'idle'
  /** A client with a submit in flight. */
  | 'submitting';

/** `who`: 'worker-1', 'tracker-1', 'client-1'; a link is the way of that node to NATS, or as 'tracker-1/store' to the store. */
export type Step =
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'kill'; readonly who: string; readonly at?: Point }
  | { readonly do: 'start' | 'stop' | 'freeze' | 'thaw'; readonly who: string }
  | { readonly do: 'block'; readonly who: string; readonly ms: number }
  | { readonly do: 'twin'; readonly who: string }
  | { readonly do: 'cut' | 'reset' | 'mend'; readonly link: string }
  | { readonly do: 'hold' | 'swallow'; readonly link: string; readonly direction: Direction }
  | { readonly do: 'delay'; readonly link: string; readonly ms: number }
  | { readonly do: 'stop-server' | 'start-server'; readonly server: 'nats' | 'store' }
  | { readonly do: 'submit'; readonly who: string; readonly works: readonly Work[] }
  | { readonly do: 'sequence'; readonly steps: readonly Step[] }
  /** Everything at once. */
  | { readonly do: 'together'; readonly steps: readonly Step[] };

/** Jobs beside the steady load. */
export const submit = (count: number, work: Work): Step => ({
  do: 'submit',
  who: 'client-1',
  works: Array.from({ length: count }, () => work),
});
export const wait = (ms: number): Step => ({ do: 'wait', ms });
export const kill = (who: string, at?: Point): Step =>
  at === undefined ? { do: 'kill', who } : { do: 'kill', who, at };
export const start = (who: string): Step => ({ do: 'start', who });
export const stop = (who: string): Step => ({ do: 'stop', who });
export const freeze = (who: string, ms: number): Step[] => [{ do: 'freeze', who }, wait(ms), { do: 'thaw', who }];
export const block = (who: string, ms: number): Step => ({ do: 'block', who, ms });
export const reset = (link: string): Step => ({ do: 'reset', link });
export const mend = (link: string): Step => ({ do: 'mend', link });
export const cut = (link: string, ms: number): Step[] => [{ do: 'cut', link }, wait(ms), mend(link)];
export const swallow = (link: string, direction: Direction, ms: number): Step[] => [
  { do: 'swallow', link, direction },
  wait(ms),
  mend(link),
];
export const hold = (link: string, direction: Direction, ms: number): Step[] => [
  { do: 'hold', link, direction },
  wait(ms),
  mend(link),
];
export const delay = (link: string, by: number, ms: number): Step[] => [
  { do: 'delay', link, ms: by },
  wait(ms),
  mend(link),
];
export const down = (server: 'nats' | 'store', ms: number): Step[] => [
  { do: 'stop-server', server },
  wait(ms),
  { do: 'start-server', server },
];
export const together = (steps: readonly Step[]): Step => ({ do: 'together', steps });
export const times = (count: number, steps: readonly Step[]): Step[] =>
  Array.from({ length: count }, () => steps).flat();
