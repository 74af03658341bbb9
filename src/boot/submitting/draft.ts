/** Draft: a job before it is sent, made whole by the contract of its processor and checked by the contract's schema. */
import { LtsError } from '../../errors.js';
import type { JobContract } from '../../job/contract.js';
import type { Job } from '../../job/job.js';
import type { Clock } from '../../ports/clock.js';
import type { Codec } from '../../ports/codec.js';
import type { Schemas } from '../../ports/schemas.js';

export interface Draft {
  readonly job: Job;
  /** Without it nothing is checked and nothing is filled in. */
  readonly contract?: JobContract | undefined;
}

export interface DraftPorts {
  readonly schemas: Schemas;
  readonly codec: Codec;
  readonly clock: Clock;
}

export interface CheckOptions {
  /** Rules that wait for the world are given this long. */
  readonly withinMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The job as it is sent: what it leaves out, the contract says; its params fit the contract's schema and stay as they were written.
 * Throws LTS_PARAMS_INVALID, LTS_PAYLOAD_INVALID, LTS_PAYLOAD_TOO_LARGE; LTS_TIMEOUT or LTS_ABORTED when the rules did not settle.
 */
export async function completed(draft: Draft, ports: DraftPorts, options: CheckOptions): Promise<Job> {
  const { job, contract } = draft;
  if (!contract) return job;
  if (contract.params) {
    // The schema sees what the worker will see: a Date, for one, arrives there as text.
    const arriving = ports.codec.decode(ports.codec.encode(job.params ?? {}, 'params'));
    await settled(ports.schemas.check(contract.params, arriving), ports.clock, options);
  }
  return withDefaults(job, contract);
}

const triggers = ['cron', 'repeat', 'fixedDelay'] as const;

function withDefaults(job: Job, { processor, defaults }: JobContract): Job {
  const whole: Job = { ...defaults };
  if (namesTrigger(job, defaults)) {
    for (const trigger of triggers) delete whole[trigger];
    if (job.cron === undefined) delete whole.timeZone;
  }
  const own = Object.entries(job).filter(([, value]) => value !== undefined);
  return Object.assign(whole, Object.fromEntries(own), { processor });
}

/** A job that says when it runs is not run by its contract's trigger as well; `triggerTime` alone moves a repeat's first run. */
function namesTrigger(job: Job, defaults: JobContract['defaults']): boolean {
  if (triggers.some((trigger) => job[trigger] !== undefined) || job.delay !== undefined) return true;
  return job.triggerTime !== undefined && defaults.cron !== undefined;
}

/** Most rules settle within the turn, so that most checks need no timer. */
async function settled(check: Promise<unknown>, clock: Clock, options: CheckOptions): Promise<void> {
  let isSettled = false;
  const checked = check.finally(() => {
    isSettled = true;
  });
  await Promise.race([checked, clock.endOfTurn()]);
  if (!isSettled) await settledInTime(checked, clock, options);
}

async function settledInTime(check: Promise<unknown>, clock: Clock, options: CheckOptions): Promise<void> {
  const { withinMs, signal } = options;
  const over = new AbortController();
  const end = () => over.abort();
  if (signal?.aborted) end();
  signal?.addEventListener('abort', end, { once: true });
  try {
    const isInTime = await Promise.race([check.then(() => true), clock.sleep(withinMs, over.signal).then(() => false)]);
    if (isInTime) return;
  } finally {
    end();
    signal?.removeEventListener('abort', end);
  }
  if (signal?.aborted)
    throw new LtsError('LTS_ABORTED', 'The caller gave up while the params were checked; nothing was sent.');
  throw new LtsError('LTS_TIMEOUT', `The rules of the params did not settle within ${withinMs} ms; nothing was sent.`);
}
