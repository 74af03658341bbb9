/** JobTracker, TaskTracker and JobClient as users construct them, as nodes of a cluster: they meet over a real nats-server. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { LevelDbFailStore } from '../../../src/adapters/leveldb/leveldb-fail-store.js';
import { LmdbFailStore } from '../../../src/adapters/lmdb/lmdb-fail-store.js';
import { type FailEntry, JobClient, type JobResult, JobTracker, LtsError, TaskTracker } from '../../../src/index.js';
import { Deferred } from '../../../src/kit/deferred.js';
import { aFolder, atEnd, cleanUp, started } from '../../helpers/cleanups.js';
import { NatsServer, natsMissing } from '../../servers/nats-server.js';

const missing = natsMissing();
let server: NatsServer;
let clusters = 0;

/** What is logged at warn and error, as text. */
let lines: string[] = [];
const note = (_: object, text: string) => void lines.push(text);
const log = { debug() {}, info() {}, warn: note, error: note };

/** A cluster of its own on the one server; each node has a data path of its own unless the test says otherwise. */
function aCluster() {
  const clusterName = `test-${++clusters}`;
  lines = [];
  return () => ({ clusterName, registryAddress: server.url, dataPath: aFolder(), log });
}

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

/** As a client keeps it. */
function submission(jobId: string): FailEntry {
  const body = { nodeGroup: 'lts', params: '{}', priority: 100, lane: '', retry: {}, needFeedback: false };
  const rest = { replaceOnExist: false, relyOnPrevCycle: true, misfire: 'fire-once' };
  const job = { jobId, body: { ...body, submittedAt: 1 }, trigger: { kind: 'delay', delayMs: 3_600_000 }, ...rest };
  return { topic: 'submissions', key: jobId, at: 1, value: JSON.stringify(job) };
}

/** Looks again until it holds; the test's own limit ends it. */
async function until(holds: () => unknown): Promise<void> {
  // A real wait: other processes' clocks cannot be made virtual.
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

it('a stop ends a start that waits for NATS; the node may be started again', async () => {
  const address = { registryAddress: 'nats://127.0.0.1:9', dataPath: aFolder(), log };
  for (const node of [
    new JobTracker(address),
    new TaskTracker({ ...address, jobRunner: () => 1 }),
    new JobClient(address),
  ]) {
    for (let i = 0; i < 2; i++) {
      const beganAt = performance.now();
      const starting = node.start();
      const outcome = expect(starting).rejects.toMatchObject({ code: 'LTS_ABORTED' });
      await node.stop();
      await outcome;
      // Half of what it would wait; the first start loads the library.
      expect(performance.now() - beganAt).toBeLessThan(5_000);
    }
  }
  await cleanUp();
});

describe.skipIf(missing)(`a cluster over nats-server${missing ? ` (${missing})` : ''}`, () => {
  beforeAll(async () => {
    server = await NatsServer.start();
  });
  afterAll(() => server?.stop());
  afterEach(cleanUp);

  describe('a job', () => {
    it('goes its way: submit, run, result, events, log, feedback', async () => {
      const node = aCluster();
      const told = new Deferred<readonly JobResult[]>();
      await started(new JobTracker(node()));
      await started(
        new TaskTracker({
          ...node(),
          nodeGroup: 'work',
          processors: {
            twice: ({ job, bizLogger, progress }) => {
              bizLogger.info('here');
              progress(50, 'half');
              return { n: 2 * job.getParam('n') };
            },
          },
        }),
      );
      const jobCompletedHandler = (results: JobResult[]) => told.resolve(results);
      const client = await started(new JobClient({ ...node(), nodeGroup: 'web', jobCompletedHandler }));
      const job = { nodeGroup: 'work', processor: 'twice', params: { n: 21 }, taskId: 'T' };
      const response = await client.submitJob(job);
      expect(response).toMatchObject({ success: true, code: 'accepted', taskId: 'T' });
      expect(await client.result(response.jobId)).toEqual({ n: 42 });
      expect(await told.promise).toMatchObject([{ jobId: response.jobId, success: true, value: { n: 42 } }]);
      const seen: string[] = [];
      for await (const event of client.events(response.jobId)) {
        if (event.kind === 'state') seen.push(event.job.status.state);
        if (event.kind === 'log') seen.push(event.line.text);
      }
      expect(seen).toEqual(expect.arrayContaining(['succeeded', 'here']));
      expect(await client.countJobs()).toEqual({ work: { succeeded: 1 } });
      expect((await client.explain(response.jobId)).code).toBe('ended');
    });

    it('is a duplicate while one of its key is open, is suspended, edited, resumed and cancelled', async () => {
      const node = aCluster();
      await started(new JobTracker(node()));
      const client = await started(new JobClient(node()));
      const { jobId } = await client.submitJob({ taskId: 'T', delay: '1h' });
      expect(await client.submitJob({ taskId: 'T', delay: '1h' })).toMatchObject({ code: 'duplicate', jobId });
      expect((await client.suspendJob(jobId)).job.status.state).toBe('suspended');
      expect((await client.resumeJob(jobId)).job.status.state).toBe('waiting');
      await client.editJob(jobId, { params: { a: 1 } });
      expect((await client.getJob('T', 'lts'))?.body.params).toBe('{"a":1}');
      expect((await client.cancelJob('T', 'lts')).receipt).toBe('done');
      await expect(client.result(jobId)).rejects.toMatchObject({ code: 'LTS_JOB_FAILED' });
      await expect(client.cancelJob('none')).rejects.toMatchObject({ code: 'LTS_JOB_NOT_FOUND' });
    });

    it('that runs hears of its cancel and of its timeout', async () => {
      const node = aCluster();
      await started(new JobTracker(node()));
      const running = new Deferred<void>();
      const reasons: unknown[] = [];
      const jobRunner = async ({ signal }: { signal: AbortSignal }) => {
        running.resolve();
        await untilAborted(signal);
        reasons.push(signal.reason);
        throw signal.reason;
      };
      await started(new TaskTracker({ ...node(), jobRunner }));
      const client = await started(new JobClient(node()));
      const { jobId } = await client.submitJob({});
      await running.promise;
      expect((await client.cancelJob(jobId)).receipt).toBe('delivered');
      await expect(client.result(jobId)).rejects.toThrow(/cancelled/);
      const late = await client.submitJob({ timeout: 100, maxRetryTimes: 0 });
      await expect(client.result(late.jobId)).rejects.toThrow(/timed-out|timeout/);
      expect(reasons).toHaveLength(2);
    });

    it('of a schedule fires each slot once, on either of two workers', async () => {
      const node = aCluster();
      await started(new JobTracker(node()));
      const slots: number[] = [];
      const three = new Deferred<void>();
      const jobRunner = ({ scheduledFor }: { scheduledFor?: Date | number | undefined }) => {
        slots.push(Number(scheduledFor));
        if (slots.length === 3) three.resolve();
      };
      for (let i = 0; i < 2; i++) await started(new TaskTracker({ ...node(), jobRunner }));
      const client = await started(new JobClient(node()));
      const { jobId } = await client.submitJob({ repeat: { interval: '150ms', count: 3 } });
      await three.promise;
      await until(async () => (await client.getJob(jobId))?.status.endedAt !== undefined);
      expect(new Set(slots).size).toBe(3);
    });

    it('of a batch with texts that grow on the wire still gets through', async () => {
      const node = aCluster();
      await started(new JobTracker(node()));
      await started(new TaskTracker({ ...node(), jobRunner: ({ job }) => job.getParam('text') }));
      const client = await started(new JobClient({ ...node(), submitWithinMs: 20_000 }));
      const texts = ['"\\'.repeat(30_000), '漢'.repeat(60_000)];
      const jobs = Array.from({ length: 24 }, (_, i) => ({ params: { text: texts[i % 2] as string } }));
      const responses = await client.submitJob(jobs);
      expect(responses.filter(({ code }) => code !== 'accepted')).toEqual([]);
      for (const [i, { jobId }] of responses.entries()) expect(await client.result(jobId)).toBe(texts[i % 2]);
      let seen = 0;
      for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
        const page = await client.listJobs({ limit: 1_000, cursor });
        seen += page.records.length;
        cursor = page.cursor;
      }
      expect(seen).toBe(24);
    });
  });

  describe('a worker', () => {
    it('that stops finishes what runs, and the others do the rest', async () => {
      const node = aCluster();
      await started(new JobTracker(node()));
      const client = await started(new JobClient(node()));
      const running = new Deferred<void>();
      const going = new Deferred<void>();
      const first = await new TaskTracker({
        ...node(),
        jobRunner: async () => {
          running.resolve();
          await going.promise;
          return 'first';
        },
      }).start();
      const { jobId } = await client.submitJob({});
      await running.promise;
      const stopped = first.stop();
      going.resolve();
      expect(await stopped).toMatchObject({ handedBack: 0, abandoned: 0 });
      expect(await client.result(jobId)).toBe('first');
      await started(new TaskTracker({ ...node(), jobRunner: () => 'second' }));
      expect(await client.result((await client.submitJob({})).jobId)).toBe('second');
    });

    it('goes on when its tracker is started anew, and its result counts', async () => {
      const node = aCluster();
      const ground = node();
      const tracker = await new JobTracker(ground).start();
      const client = await started(new JobClient(node()));
      const running = new Deferred<void>();
      const going = new Deferred<void>();
      let runs = 0;
      const jobRunner = async () => {
        runs++;
        running.resolve();
        await going.promise;
        return 'kept';
      };
      await started(new TaskTracker({ ...node(), jobRunner }));
      const { jobId } = await client.submitJob({});
      await running.promise;
      await tracker.stop();
      await started(new JobTracker(ground));
      going.resolve();
      expect(await client.result(jobId)).toBe('kept');
      expect(runs).toBe(1);
      expect((await client.getJob(jobId))?.status).toMatchObject({ attempt: 1, losses: 0 });
    });

    it('with the identity of a living one is refused before it runs anything', async () => {
      const node = aCluster();
      await started(new JobTracker(node()));
      const client = await started(new JobClient(node()));
      await client.submitJob(Array.from({ length: 20 }, () => ({ nodeGroup: 'other', delay: 0 })));
      await started(new TaskTracker({ ...node(), identity: 'twin', jobRunner: () => 1 }));
      let runs = 0;
      const twin = new TaskTracker({ ...node(), identity: 'twin', nodeGroup: 'other', jobRunner: () => void runs++ });
      await expect(twin.start()).rejects.toMatchObject({ code: 'LTS_IDENTITY_IN_USE' });
      expect(runs).toBe(0);
      expect(twin.isRunning).toBe(false);
    });
  });

  describe('while NATS is away', () => {
    it('a worker stops within its deadline and keeps its result, which its next start brings', async () => {
      const own = await NatsServer.start();
      atEnd(() => own.stop());
      const node = () => ({ clusterName: 'away', registryAddress: own.url, dataPath: aFolder(), log });
      await started(new JobTracker(node()));
      const client = await started(new JobClient(node()));
      const running = new Deferred<void>();
      const going = new Deferred<void>();
      const ground = { ...node(), identity: 'worker' };
      let runs = 0;
      const jobRunner = async () => {
        runs++;
        running.resolve();
        await going.promise;
        return 'kept';
      };
      const worker = await new TaskTracker({ ...ground, jobRunner }).start();
      const { jobId } = await client.submitJob({});
      await running.promise;
      await own.kill();
      going.resolve();
      const began = performance.now();
      await worker.stop(4_000);
      expect(performance.now() - began).toBeLessThan(5_000);
      await own.run();
      await until(() => client.getJob(jobId).catch(() => undefined));
      await started(new TaskTracker({ ...ground, jobRunner }));
      expect(await client.result(jobId)).toBe('kept');
      expect(runs).toBe(1);
    });

    it('no node starts, and it says where it looked', async () => {
      const gone = {
        registryAddress: 'nats://joe:geheim@127.0.0.1:9',
        nats: { connectWithinMs: 50 },
        dataPath: aFolder(),
      };
      const error = await new JobClient({ ...gone, log }).start().catch((found: unknown) => found as Error);
      expect(error).toMatchObject({ code: 'LTS_CONNECT_FAILED', message: expect.stringMatching(/127\.0\.0\.1:9/) });
      expect((error as Error).message).not.toContain('geheim');
    });
  });

  it('a server that takes smaller messages than nodes may send is refused', async () => {
    const own = await NatsServer.start({ config: 'max_payload: 65536' });
    atEnd(() => own.stop());
    const node = { registryAddress: own.url, dataPath: aFolder(), log };
    await expect(new JobClient(node).start()).rejects.toMatchObject({ code: 'LTS_SERVER_UNFIT' });
  });

  describe('a client', () => {
    it('keeps what no tracker answers, and its jobs arrive when there is one', async () => {
      const node = aCluster();
      const client = await started(new JobClient(node()));
      expect((await client.submitJob({ jobId: 'J1' })).code).toBe('stored-locally');
      await started(new JobTracker(node()));
      expect((await client.cancelJob('J1')).receipt).toBe('done');
    });
  });

  describe('the JobTracker', () => {
    it('is the only one where jobs lie in a local store: the second is refused, naming the first', async () => {
      const node = aCluster();
      await started(new JobTracker({ ...node(), identity: 'first' }));
      for (const jobQueue of ['lmdb', 'memory']) {
        const second = new JobTracker({ ...node(), jobQueue });
        const error = await second.start().catch((found: unknown) => found);
        expect(LtsError.is(error, 'LTS_CONFIG_INVALID')).toBe(true);
        expect((error as Error).message).toMatch(/has its JobTracker: first, since/);
      }
      // A cluster of another name is another cluster.
      await started(new JobTracker(aCluster()()));
    });

    it('started twice in the same instant is one in the end', async () => {
      const node = aCluster();
      const both = [new JobTracker(node()), new JobTracker(node())];
      for (const tracker of both) atEnd(() => tracker.stop());
      await Promise.allSettled(both.map((tracker) => tracker.start()));
      await until(() => both.filter(({ isRunning }) => isRunning).length === 1);
      const client = await started(new JobClient(node()));
      await until(async () => (await client.submitJob({ delay: '1h' })).code === 'accepted');
    });

    it('owns its data path: no embedded application and no other tracker beside it', async () => {
      const node = aCluster();
      const ground = node();
      await started(new JobTracker(ground));
      const refused = { code: 'LTS_DATA_PATH_IN_USE' };
      await expect(new JobTracker({ dataPath: ground.dataPath, log }).start()).rejects.toMatchObject(refused);
      await expect(new JobTracker({ ...aCluster()(), dataPath: ground.dataPath }).start()).rejects.toMatchObject(
        refused,
      );
      await started(new JobClient({ ...node(), dataPath: ground.dataPath }));
    });
  });

  describe('what could not be sent', () => {
    it.each([
      ['lmdb', '1'],
      ['leveldb', 'leveldb-1'],
    ])(
      'in %s lies in one folder for all nodes of a process, and is found by who comes next',
      async (failStore, folder) => {
        const node = aCluster();
        const { dataPath } = node();
        const clients = [
          await new JobClient({ ...node(), dataPath, failStore }).start(),
          await new JobClient({ ...node(), dataPath, failStore }).start(),
        ];
        for (const [i, client] of clients.entries())
          expect((await client.submitJob({ jobId: `J${i}`, delay: '1h' })).code).toBe('stored-locally');
        expect(readdirSync(join(dataPath, 'failstore'))).toEqual([`${folder}.${node().clusterName}`]);
        for (const client of clients) await client.stop();
        await started(new JobTracker(node()));
        const client = await started(new JobClient({ ...node(), dataPath, failStore }));
        for (const jobId of ['J0', 'J1']) expect((await client.cancelJob(jobId)).receipt).toBe('done');
      },
    );

    it('of a dead client is not kept from being sent by a worker that starts on its data path', async () => {
      const node = aCluster();
      const { dataPath } = node();
      const client = await new JobClient({ ...node(), dataPath }).start();
      expect((await client.submitJob({ jobId: 'J1', delay: '1h' })).code).toBe('stored-locally');
      await client.stop();
      await started(new JobTracker(node()));
      await started(new TaskTracker({ ...node(), dataPath, jobRunner: () => 1 }));
      const other = await started(new JobClient(node()));
      await until(async () => (await other.listJobs()).records.length === 1);
    });

    it('in the folders of dead processes is sent, too, results and the embedded application of before included', async () => {
      const node = aCluster();
      const ground = node();
      for (const folder of ['0', '2', '7', 'leveldb-0', 'leveldb-7']) {
        const path = join(ground.dataPath, 'failstore', `${folder}.${ground.clusterName}`);
        const left = folder.startsWith('leveldb') ? new LevelDbFailStore({ path }) : new LmdbFailStore({ path });
        await left.open();
        await left.put([submission(`left-${folder}`)]);
        await left.close();
      }
      await started(new JobTracker(ground));
      const client = await started(new JobClient(node()));
      await until(async () => (await client.listJobs()).records.length === 5);
      const { records } = await client.listJobs();
      expect(records.map(({ jobId }) => jobId).sort()).toEqual([
        'left-0',
        'left-2',
        'left-7',
        'left-leveldb-0',
        'left-leveldb-7',
      ]);
    });
  });
});
