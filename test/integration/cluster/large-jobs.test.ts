/** The largest jobs that are accepted can be read back over NATS with its default `max_payload`, whatever they are made of. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { JobClient, type JobContext, type JobResult, JobTracker, Result, TaskTracker } from '../../../src/index.js';
import { Deferred } from '../../../src/kit/deferred.js';
import { wireBytes } from '../../../src/kit/wire-bytes.js';
import { limits } from '../../../src/protocol/limits.js';
import { aFolder, cleanUp, started } from '../../helpers/cleanups.js';
import { NatsServer, natsMissing } from '../../servers/nats-server.js';

const missing = natsMissing();
const contents = {
  letters: 'x',
  quotes: '"',
  backslashes: '\\',
  controls: '\u0001',
  lines: '\n',
  accents: 'é',
  chinese: '中',
  emoji: '😀',
  halves: '\ud800',
} as const;
/** The most that a runner may say, as heavy as can be. */
const message = '\u0001'.repeat(limits.messageCharsMax);

/** The longest text of one letter that params, and so a result, may be. */
function longest(letter: string): string {
  const each = wireBytes(JSON.stringify(letter)) - wireBytes(JSON.stringify(''));
  return letter.repeat(Math.floor((limits.paramsBytesMax - wireBytes(JSON.stringify(''))) / each));
}

describe.skipIf(missing)(`large jobs over nats-server${missing ? ` (${missing})` : ''}`, () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await NatsServer.start();
  });
  afterAll(() => server?.stop());
  afterEach(cleanUp);

  const warnings: string[] = [];
  const note = (_: object, text: string) => void warnings.push(text);
  const log = { debug() {}, info() {}, warn: note, error: note };
  let clusters = 0;
  const aCluster = () => {
    const clusterName = `large-${++clusters}`;
    warnings.length = 0;
    return () => ({ clusterName, registryAddress: server.url, dataPath: aFolder(), log });
  };

  it('the largest params with the largest result are told, found, followed and listed', {
    timeout: 60_000,
  }, async () => {
    const node = aCluster();
    await started(new JobTracker(node()));
    const jobRunner = ({ job }: JobContext) => Result.success(message, job.params);
    await started(new TaskTracker({ ...node(), jobRunner }));
    const told = new Map<string, unknown>();
    const all = new Deferred<void>();
    const jobCompletedHandler = (results: JobResult[]) => {
      for (const { jobId, value } of results) told.set(jobId, value);
      if (told.size === Object.keys(contents).length) all.resolve();
    };
    const client = await started(new JobClient({ ...node(), jobCompletedHandler }));
    for (const [jobId, letter] of Object.entries(contents)) {
      const params = longest(letter);
      expect(await client.submitJob({ jobId, params })).toMatchObject({ code: 'accepted' });
      expect(await client.result(jobId), jobId).toBe(params);
      expect((await client.getJob(jobId))?.status, jobId).toMatchObject({ result: JSON.stringify(params), message });
      const seen: unknown[] = [];
      for await (const event of client.events(jobId)) seen.push(event.kind === 'state' && event.job.status.state);
      expect(seen, jobId).toContain('succeeded');
    }
    await all.promise;
    for (const [jobId, letter] of Object.entries(contents)) expect(told.get(jobId), jobId).toBe(longest(letter));
    expect((await pages(client)).sort()).toEqual(Object.keys(contents).sort());
    expect(warnings).toEqual([]);
  });

  it.each(Object.entries(contents))('whatever is accepted can be read back: %s', async (_, letter) => {
    const node = aCluster();
    await started(new JobTracker(node()));
    await started(new TaskTracker({ ...node(), jobRunner: ({ job }) => Result.success(message, job.params) }));
    const client = await started(new JobClient(node()));
    const each = Buffer.byteLength(JSON.stringify(letter)) - 2;
    const params = letter.repeat((limits.paramsBytesMax - 2) / each);
    const { code, jobId } = await client.submitJob({ params });
    if (code === 'rejected') return;
    expect(await client.result(jobId)).toBe(params);
    expect(await pages(client)).toEqual([jobId]);
  });

  it('what is larger is refused, with its size as it was counted', async () => {
    const node = aCluster();
    await started(new JobTracker(node()));
    await started(new TaskTracker({ ...node(), jobRunner: () => `${longest('"')}"` }));
    const client = await started(new JobClient(node()));
    const response = await client.submitJob({ params: `${longest('"')}"` });
    expect(response).toMatchObject({ success: false, code: 'rejected' });
    expect(response.msg).toMatch(
      /^params has 262146 bytes in a message, where each quote and backslash of its JSON text/,
    );
    const { jobId } = await client.submitJob({ maxRetryTimes: 0 });
    await expect(client.result(jobId)).rejects.toThrow(/result has 262146 bytes in a message/);
  });

  it('jobs whose last run said much are claimed together all the same', { timeout: 60_000 }, async () => {
    const node = aCluster();
    const count = 100;
    await started(new JobTracker(node()));
    const client = await started(new JobClient(node()));
    const responses = await client.submitJob(Array.from({ length: count }, () => ({ retryInterval: '1h' })));
    const jobRunner = ({ retryTimes }: JobContext) => (retryTimes === 0 ? Result.later(message) : undefined);
    const worker = await started(new TaskTracker({ ...node(), jobRunner }));
    const jobIds = responses.map(({ jobId }) => jobId);
    for (const jobId of jobIds) {
      for await (const event of client.events(jobId))
        if (event.kind === 'state' && event.job.status.retryTimes > 0) break;
    }
    await worker.stop();
    for (const jobId of jobIds) await client.triggerJob(jobId);
    await started(new TaskTracker({ ...node(), workThreads: count, jobRunner }));
    await Promise.all(jobIds.map((jobId) => client.result(jobId)));
    expect(warnings).toEqual([]);
  });

  async function pages(client: JobClient): Promise<string[]> {
    const found: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await client.listJobs({ limit: 1_000, cursor });
      found.push(...page.records.map(({ jobId }) => jobId));
      if (page.cursor === undefined) return found;
      cursor = page.cursor;
    }
  }
});
