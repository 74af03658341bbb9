/** Lines whose job is gone do not stay: the log is looked through bit by bit, the oldest lines first. */
import { expect, it } from 'vitest';
import { MongoJobLogger } from '../../../src/adapters/mongo/mongo-job-logger.js';
import type { JobLogLine } from '../../../src/job/log-line.js';
import { storedAmong } from '../../../src/job-tracker/records/stored-jobs.js';
import { anEnded, aRecord } from '../../helpers/records.js';
import { withMongo } from './mongo-place.js';

const linesOf = (jobId: string, count: number): JobLogLine[] =>
  Array.from({ length: count }, (_, seq) => ({
    jobId,
    runId: 'r',
    seq,
    at: seq,
    level: 'INFO',
    type: 'biz',
    text: 'x',
  }));
const anHour = 3_600_000;

withMongo('strays of the job log', (place) => {
  it('lines of a job that was removed without them go, however many, and no others', async () => {
    const sent: string[] = [];
    const onCommand = (name: string) => void sent.push(name);
    const { queue, ...pool } = await place.queue({ onCommand });
    const logger = new MongoJobLogger(pool.connection);
    await logger.open();
    const look = (before: number) => logger.removeStrays(before, (jobIds) => storedAmong(queue, jobIds));
    const left = async (jobId: string) => (await logger.read(jobId, { limit: 2_000 })).lines.length;
    await queue.add([aRecord({ jobId: 'open' }), anEnded({ jobId: 'ended', endedAt: 1 })]);
    await logger.append([...linesOf('open', 10), ...linesOf('ended', 350), ...linesOf('never-was', 30)]);
    const request = { endedBefore: 2, keepMax: 10, keepAfter: 2, max: 10 };
    // The tracker died here, before it could remove the lines.
    expect(await queue.purge(request)).toEqual(['ended']);
    await look(Date.now() - anHour);
    expect(await left('ended')).toBe(350);
    sent.length = 0;
    await look(Date.now() + anHour);
    expect(sent).toEqual(['find', 'find', 'delete']);
    expect(await left('ended')).toBe(160);
    await look(Date.now() + anHour);
    expect([await left('ended'), await left('never-was'), await left('open')]).toEqual([0, 0, 10]);
    await logger.append(linesOf('never-was', 1));
    await look(Date.now() + anHour);
    expect([await left('never-was'), await left('open')]).toEqual([0, 10]);
    await place.end(pool);
  });
});
