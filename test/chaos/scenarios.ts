/** The scenarios as data: what is done to the cast while its clients submit and its schedules fire. */
import type { Shape } from './cast/cast.js';
import type { Line } from './journal.js';
import type { Verdict } from './judge/checker.js';
import {
  block,
  cut,
  delay,
  down,
  freeze,
  hold,
  kill,
  mend,
  reset,
  type Step,
  start,
  stop,
  submit,
  swallow,
  times,
  together,
  wait,
} from './steps.js';

export interface Scenario {
  readonly name: string;
  readonly what: string;
  readonly steps: readonly Step[];
  /** Default: all. */
  readonly shapes?: readonly Shape[];
  /** Needs so many. */
  readonly trackers?: number;
  readonly workers?: number;
  readonly clients?: number;
  /** Pause between a client's submits. */
  readonly everyMs?: number;
  /** In the short set. */
  readonly isShort?: boolean;
  /** What it must show beyond what holds for all; answers what it did not. */
  readonly unmet?: (lines: readonly Line[], verdict: Verdict) => string[];
  /** Lines to print beneath its row. */
  readonly figures?: (lines: readonly Line[], verdict: Verdict) => string[];
}

const everyNode = ['tracker-1', 'tracker-2', 'tracker-3', 'worker-1', 'worker-2', 'worker-3', 'client-1', 'client-2'];

/** Jobs whose reruns live when the frozen worker comes back; results of the second kind are then stale at once. */
export const frozenSteps: readonly Step[] = [
  submit(9, { ms: 45_000 }),
  submit(9, { ms: 45_000, leaseLost: 'continue', isWait: true }),
  wait(1_000),
  ...freeze('worker-1', 60_000),
];

/** Nothing was to run twice. */
export const rerunsUnmet = (_: readonly Line[], { reruns }: Verdict): string[] =>
  reruns === 0 ? [] : [`nothing runs twice, but ${reruns} runs did`];

const revive = (who: string, afterMs: number): Step[] => [wait(afterMs), start(who)];
const restart = (who: string): Step[] => [stop(who), start(who), wait(1_000)];

export const scenarios: readonly Scenario[] = [
  {
    name: 'worker-killed',
    what: 'SIGKILL of a worker in the middle of a run; it is started again under the same identity',
    steps: [kill('worker-1', 'running'), ...revive('worker-1', 5_000)],
    isShort: true,
  },
  {
    name: 'worker-killed-at-run-end',
    what: 'SIGKILL of a worker between the end of a run and its report',
    steps: [kill('worker-1', 'run-end'), ...revive('worker-1', 1_000), wait(3_000)],
  },
  {
    name: 'worker-restarted-at-once',
    what: 'SIGKILL of a worker, started again at once under the same identity and data path, three times',
    steps: times(3, [kill('worker-1', 'running'), start('worker-1'), wait(1_000)]),
  },
  {
    name: 'worker-frozen-12s',
    what: 'SIGSTOP of a worker for 12 s, within its lease',
    steps: freeze('worker-1', 12_000),
  },
  {
    name: 'worker-frozen-60s',
    what: 'SIGSTOP of a worker for 60 s, past its lease',
    steps: frozenSteps,
  },
  {
    name: 'worker-blocked-40s',
    what: "a worker's event loop stands still for 40 s",
    steps: [block('worker-1', 40_000)],
  },
  {
    name: 'worker-reset',
    what: 'RST of a living worker’s connection, five times',
    steps: times(5, [reset('worker-1'), wait(1_000)]),
    unmet: rerunsUnmet,
  },
  {
    name: 'worker-flapping',
    what: 'the connection of a worker is reset every 700 ms for 8 s',
    steps: times(11, [reset('worker-1'), wait(700)]),
    isShort: true,
  },
  {
    name: 'worker-cut-5s',
    what: 'a worker is cut off for 5 s',
    steps: [submit(6, { ms: 10_000 }), wait(1_000), ...cut('worker-1', 5_000)],
  },
  { name: 'worker-cut-40s', what: 'a worker is cut off for longer than its lease', steps: cut('worker-1', 40_000) },
  { name: 'worker-deaf', what: 'what is sent to a worker is lost for 40 s', steps: swallow('worker-1', 'in', 40_000) },
  { name: 'worker-mute', what: 'what a worker sends is lost for 40 s', steps: swallow('worker-1', 'out', 40_000) },
  {
    name: 'worker-mute-6s',
    what: 'what a worker sends is held for 6 s and then arrives',
    steps: hold('worker-1', 'out', 6_000),
  },
  { name: 'worker-slow', what: 'every byte to and from a worker takes 400 ms', steps: delay('worker-1', 400, 10_000) },
  {
    name: 'tracker-killed',
    what: 'SIGKILL of a tracker right after an accepted submit',
    steps: [kill('tracker-1', 'accepted'), ...revive('tracker-1', 2_000)],
  },
  {
    name: 'tracker-killed-answering',
    what: 'SIGKILL of a tracker that committed and whose answers did not get out',
    steps: [kill('tracker-1', 'answering'), ...revive('tracker-1', 500)],
    isShort: true,
  },
  {
    name: 'tracker-killed-idle',
    what: 'SIGKILL of a tracker with nothing but parked pulls',
    steps: [kill('tracker-1', 'idle'), ...revive('tracker-1', 1_000)],
  },
  {
    name: 'tracker-frozen-45s',
    what: 'SIGSTOP of a tracker past the lease of its workers',
    steps: freeze('tracker-1', 45_000),
  },
  { name: 'tracker-cut-15s', what: 'a tracker is cut off from NATS for 15 s', steps: cut('tracker-1', 15_000) },
  {
    name: 'tracker-deaf',
    what: 'what is sent to a tracker is lost for 12 s',
    steps: swallow('tracker-1', 'in', 12_000),
  },
  {
    name: 'tracker-without-store',
    what: 'a tracker is cut off from the store for 15 s',
    steps: cut('tracker-1/store', 15_000),
    shapes: ['nats-mongo'],
  },
  {
    name: 'client-killed-submitting',
    what: 'SIGKILL of a client with a submit in flight; its next life goes on',
    steps: [kill('client-1', 'submitting'), ...revive('client-1', 500)],
  },
  {
    name: 'client-killed-hearing',
    what: 'SIGKILL of a client to which results are on their way',
    steps: [
      { do: 'hold', link: 'client-1', direction: 'in' },
      wait(500),
      kill('client-1'),
      mend('client-1'),
      start('client-1'),
    ],
  },
  {
    name: 'client-frozen-10s',
    what: 'SIGSTOP of a client for 10 s, with submits and feedback under way',
    steps: freeze('client-1', 10_000),
  },
  {
    name: 'client-cut-8s',
    what: 'a client is cut off, keeps submits in its FailStore, and is back after 8 s',
    steps: cut('client-1', 8_000),
  },
  {
    name: 'client-killed-cut-off',
    what: 'a client that is cut off is killed with what it kept; its next life sends it',
    steps: [{ do: 'cut', link: 'client-1' }, wait(4_000), kill('client-1'), mend('client-1'), start('client-1')],
    isShort: true,
  },
  { name: 'nats-restarted', what: 'NATS is killed and started again at once', steps: down('nats', 0), isShort: true },
  {
    name: 'nats-frozen-8s',
    what: 'SIGSTOP of NATS for 8 s: requests arrive long after their deadlines',
    steps: freeze('nats', 8_000),
  },
  { name: 'nats-down-30s', what: 'NATS is away for 30 s', steps: down('nats', 30_000) },
  {
    name: 'store-restarted',
    what: 'the store is stopped and started again at once',
    steps: down('store', 0),
    shapes: ['nats-mongo'],
    isShort: true,
  },
  { name: 'store-down-30s', what: 'the store is away for 30 s', steps: down('store', 30_000), shapes: ['nats-mongo'] },
  {
    name: 'rolling-restart',
    what: 'SIGTERM and start of each tracker and worker, one after the other, under load',
    steps: ['tracker-1', 'tracker-2', 'worker-1', 'worker-2', 'worker-3'].flatMap(restart),
    unmet: rerunsUnmet,
    isShort: true,
  },
  {
    name: 'trackers-killed-in-turn',
    what: 'SIGKILL of one tracker after the other, each started again when the next one is dead',
    steps: [1, 2, 3].flatMap((n) => [
      kill(`tracker-${n}`, 'accepted'),
      wait(1_500),
      start(`tracker-${n === 1 ? 3 : n - 1}`),
      wait(1_500),
      ...(n === 3 ? [start('tracker-3')] : []),
    ]),
    shapes: ['nats-mongo'],
    trackers: 3,
  },
  {
    name: 'all-workers-killed',
    what: 'SIGKILL of all workers at once',
    steps: [
      together([kill('worker-1'), kill('worker-2'), kill('worker-3')]),
      wait(1_000),
      together([start('worker-1'), start('worker-2'), start('worker-3')]),
    ],
  },
  {
    name: 'everything-killed',
    what: 'SIGKILL of NATS and of every node at once; all are started again',
    steps: [
      together([...everyNode.map((who) => kill(who)), { do: 'stop-server', server: 'nats' }]),
      { do: 'start-server', server: 'nats' },
      together(everyNode.map(start)),
    ],
    isShort: true,
  },
  {
    name: 'duplicate-identity',
    what: 'a second worker with the identity of a living one',
    steps: [{ do: 'twin', who: 'worker-1' }],
  },
];
