/** Draft: a job before it is sent, made whole by the contract of its processor and checked by the contract's schema. */
import { LtsError } from '../../errors.js';
import type { JobContract } from '../../job/contract.js';
import type { Job } from '../../job/job.js';
import { checkSignal } from '../../job-client/submit.js';
import type { Clock } from '../../ports/clock.js';
import type { Codec } from '../../ports/codec.js';
import type { Schemas } from '../../ports/schemas.js';

export interface Draft {
  readonly job: Job;
  /** Without it nothing is checked and nothing is filled in. */
  readonly contract?: JobContract | undefined;
  /** Ends the check and the wait for the answer. */
  readonly signal?: AbortSignal | undefined;
  /** Why the job cannot be made; then nothing is sent. */
  readonly problem?: LtsError | undefined;
}

export interface DraftPorts {
  readonly schemas: Schemas;
  readonly codec: Codec;
  readonly clock: Clock;
  /** Rules that wait for the world are given this long. */
  readonly checkWithinMs: number;
}

/**
 * The job as it is sent: what it leaves out, the contract says; its params fit the contract's schema and stay as they were written.
 * Throws the draft's problem, LTS_JOB_INVALID, LTS_PARAMS_INVALID, LTS_PAYLOAD_INVALID, LTS_PAYLOAD_TOO_LARGE, LTS_PROCESSOR_INVALID; LTS_TIMEOUT when
 * the rules did not settle, LTS_ABORTED when the caller gave up before anything was sent.
 */
export async function completed({ job, contract, signal, problem }: Draft, ports: DraftPorts): Promise<Job> {
  if (problem) throw problem;
  checkSignal(signal);
  if (signal?.aborted) throw new LtsError('LTS_ABORTED', 'The caller gave up before the submit; nothing was sent.');
  if (!contract) return job;
  if (contract.params) {
    // The schema sees what the worker will see: a Date, for one, arrives there as text.
    const arriving = ports.codec.decode(ports.codec.encode(job.params ?? {}, 'params'));
    await settled(ports.schemas.check(contract.params, arriving), ports, signal);
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
async function settled(check: Promise<unknown>, ports: DraftPorts, signal: AbortSignal | undefined): Promise<void> {
  const checked = check.then(() => true);
  const isSettled = await Promise.race([checked, ports.clock.endOfTurn().then(() => false)]);
  if (!isSettled) await settledInTime(checked, ports, signal);
}

async function settledInTime(
  checked: Promise<boolean>,
  { clock, checkWithinMs }: DraftPorts,
  signal: AbortSignal | undefined,
): Promise<void> {
  const over = new AbortController();
  const end = () => over.abort();
  if (signal?.aborted) end();
  signal?.addEventListener('abort', end, { once: true });
  try {
    if (await Promise.race([checked, clock.sleep(checkWithinMs, over.signal).then(() => false)])) return;
  } finally {
    end();
    signal?.removeEventListener('abort', end);
  }
  if (signal?.aborted)
    throw new LtsError('LTS_ABORTED', 'The caller gave up while the params were checked; nothing was sent.');
  throw new LtsError(
    'LTS_TIMEOUT',
    `The rules of the params did not settle within ${checkWithinMs} ms; nothing was sent.`,
  );
}
