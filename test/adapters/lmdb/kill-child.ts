/**
 * The process that the kill test kills: many concurrent calls of the real adapter; each answer is told on standard output only
 * after it came, one line per call: A jobId... (added), C jobId... (claimed), E jobId... (ended).
 */
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { LmdbEnvironment } from '../../../src/adapters/lmdb/environment.js';
import { LmdbJobQueue } from '../../../src/adapters/lmdb/lmdb-job-queue.js';
import { type JobRecord, withStatus } from '../../../src/job/job.js';
import { aRecord, aRun } from '../../helpers/records.js';

const [, , path = '', round = ''] = process.argv;
// Started ahead of its turn: the store belongs to the test until it says so.
await once(process.stdin, 'data');
const environment = await LmdbEnvironment.open({ path });
const queue = new LmdbJobQueue(environment);
await queue.open();

let made = 0;
const tell = (kind: string, records: readonly JobRecord[]): void => {
  if (records.length > 0) writeSync(1, `${kind} ${records.map((record) => record.jobId).join(' ')}\n`);
};

/** Adds waiting jobs, some with a key that is soon free again. */
async function addJobs(lane: number): Promise<void> {
  const records = Array.from({ length: 1 + (made % 5) }, () => {
    const taskId = made % 3 === 0 ? `t${lane}.${made}` : undefined;
    return aRecord({ jobId: `${round}.${lane}.${made++}`, lane: `${lane % 3}`, taskId });
  });
  const outcomes = await queue.add(records);
  tell(
    'A',
    outcomes.flatMap((outcome) => (outcome.kind === 'added' ? outcome.record : [])),
  );
}

/** Claims and ends what it got, and ends one that was added as executing. */
async function runJobs(lane: number): Promise<void> {
  const runId = `${round}.${lane}.run${made++}`;
  const request = { nodeGroup: 'g', max: 4, bytesMax: 100_000, now: 5_000, suspects: 'none' } as const;
  const { claimed } = await queue.claim({ ...request, runId, session: `s${round}` });
  tell('C', claimed);
  const started = aRun({ jobId: `${round}.${lane}.x${made++}`, runId, session: `s${round}` });
  await queue.add([started]);
  tell('A', [started]);
  const changes = [...claimed, started].map((before) => {
    const change = {
      state: 'succeeded',
      endedAt: made++,
      runId: undefined,
      session: undefined,
      lastRunId: runId,
    } as const;
    return { before, after: withStatus(before, change) };
  });
  tell(
    'E',
    (await queue.update(changes)).flatMap((record) => record ?? []),
  );
}

async function work(lane: number): Promise<never> {
  for (;;) await (lane % 2 === 0 ? addJobs(lane) : runJobs(lane));
}

writeSync(1, 'ready\n');
await Promise.all(Array.from({ length: 12 }, (_, lane) => work(lane)));
