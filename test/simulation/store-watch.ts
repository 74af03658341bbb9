/** Looks on at the commits of the job store, beneath every fault and every planted bug. */
import type { JobRecord } from '../../src/job/job.js';
import type { AddOutcome, ClaimOutcome, JobQueue } from '../../src/ports/job-queue.js';
import type { Lease, Leases } from '../../src/ports/leases.js';
import type { Step } from './ledger.js';

type Saw = (verb: Step['verb'], after: JobRecord | undefined, jobId: string) => void;

/** The same queue; `saw` hears of each written or removed record, in the order of the writes. */
export function watchedQueue(inner: JobQueue, saw: Saw): JobQueue {
  const looks: Record<string, (answer: never) => void> = {
    add: (outcomes: readonly AddOutcome[]) => {
      for (const { kind, record } of outcomes) if (kind === 'added') saw('add', record, record.jobId);
    },
    claim: ({ claimed, expired }: ClaimOutcome) => {
      for (const record of claimed) saw('claim', record, record.jobId);
      for (const record of expired) saw('update', record, record.jobId);
    },
    update: (records: readonly (JobRecord | undefined)[]) => {
      for (const record of records) if (record) saw('update', record, record.jobId);
    },
    purge: (jobIds: readonly string[]) => {
      for (const jobId of jobIds) saw('purge', undefined, jobId);
    },
  };
  return new Proxy(inner, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      const look = looks[String(name)];
      return async (...values: unknown[]) => {
        const answer: unknown = await method.apply(target, values);
        look?.(answer as never);
        return answer;
      };
    },
  });
}

/** The same leases; `judged` hears of each session that is about to be killed. */
export function watchedLeases(inner: Leases, judged: (session: string) => void): Leases {
  const kill: Leases['kill'] = (seen) => {
    judged(seen.session);
    return inner.kill(seen);
  };
  return new Proxy(inner, {
    get: (target, name) => (name === 'kill' ? kill : Reflect.get(target, name)),
  });
}

/** The same leases; `count` hears of sessions that went over to another tracker, and of those that were killed. */
export function countedLeases(inner: Leases, count: (what: string) => void): Leases {
  const before = new Map<string, Lease>();
  const note = (lease: Lease | undefined) => {
    if (!lease) return lease;
    const known = before.get(lease.session);
    if (known && known.tracker !== lease.tracker) count('sessions-moved');
    if (known?.state === 'alive' && lease.state === 'dead') count('sessions-killed');
    before.set(lease.session, lease);
    return lease;
  };
  return {
    open: () => inner.open(),
    close: () => inner.close(),
    begin: async (lease) => note(await inner.begin(lease)),
    renew: (tracker, sessions) => inner.renew(tracker, sessions),
    kill: async (seen) => note(await inner.kill(seen)),
    noteFallen: (session, runs) => inner.noteFallen(session, runs),
    forget: (sessions) => inner.forget(sessions),
    list: (nodeGroup) => inner.list(nodeGroup),
  };
}
