/** Several JobTrackers on one MongoDB, over a real nats-server, as users construct them. */
import { MongoClient } from 'mongodb';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { JobClient, type JobResult, JobTracker, type NodeInfo, TaskTracker } from '../../../src/index.js';
import { Deferred } from '../../../src/kit/deferred.js';
import { aFolder, atEnd, cleanUp, started } from '../../helpers/cleanups.js';
import { type MongoServer, startMongoServer, whyNoMongo } from '../../servers/mongo-server.js';
import { NatsServer, natsMissing } from '../../servers/nats-server.js';
import { FlakyProxy } from '../mongo/flaky-proxy.js';

const missing = natsMissing() ?? whyNoMongo;
let nats: NatsServer;
let mongo: MongoServer;
let clusters = 0;

interface Line {
  readonly fields: object;
  readonly text: string;
}
let lines: Line[] = [];
const note = (fields: object, text: string) => void lines.push({ fields, text });
const log = { debug() {}, info: note, warn: note, error: note };

/** A cluster of its own, with a database of its own. */
function aCluster() {
  const clusterName = `mongo-${process.pid}-${++clusters}`;
  lines = [];
  const node = () => ({ clusterName, registryAddress: nats.url, dataPath: aFolder(), log });
  const tracker = (identity?: string) =>
    new JobTracker({
      ...node(),
      ...(identity === undefined ? {} : { identity }),
      jobQueue: 'mongo',
      mongo: { addresses: mongo.url, database: `lts_${clusterName}` },
    });
  return { node, tracker };
}

async function until(holds: () => unknown): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe.skipIf(missing)(`a cluster on MongoDB${missing ? ` (${missing})` : ''}`, () => {
  beforeAll(async () => {
    nats = await NatsServer.start();
    mongo = await startMongoServer();
  }, 60_000);
  afterEach(cleanUp);
  afterAll(async () => {
    await nats?.stop();
    await mongo?.stop();
  });

  it('a job that any tracker accepted runs at a worker of any, with its log, its result and its feedback', async () => {
    const { node, tracker } = aCluster();
    await Promise.all(['one', 'two', 'three'].map((identity) => started(tracker(identity))));
    const heard: JobResult[] = [];
    const onComplete = (results: JobResult[]) => void heard.push(...results);
    const client = await started(new JobClient({ ...node(), jobCompletedHandler: onComplete }));
    const jobRunner = ({
      job,
      bizLogger,
    }: {
      job: { getParam(name: string): unknown };
      bizLogger: { info(text: string): void };
    }) => {
      bizLogger.info('was here');
      return job.getParam('n');
    };
    for (const identity of ['w1', 'w2', 'w3']) await started(new TaskTracker({ ...node(), identity, jobRunner }));
    const answers = await client.submitJob(Array.from({ length: 100 }, (_, n) => ({ params: { n } })));
    expect(new Set(answers.map(({ code }) => code))).toEqual(new Set(['accepted']));
    const values = await Promise.all(answers.map(({ jobId }) => client.result(jobId)));
    expect(values).toEqual(Array.from({ length: 100 }, (_, n) => n));
    await until(() => heard.length >= 100);
    expect(new Set(heard.map(({ jobId }) => jobId)).size).toBe(100);
    const { lines: story } = await client.readLog(answers[0]?.jobId ?? '');
    expect(story.map(({ text }) => text)).toContain('was here');
    expect(lines.some(({ text }) => /jobs are kept by/.test(text))).toBe(true);
  });

  it('goes on when the trackers stop one after another, down to the last', async () => {
    const { node, tracker } = aCluster();
    const trackers = await Promise.all([started(tracker()), started(tracker()), started(tracker())]);
    const client = await started(new JobClient(node()));
    await started(new TaskTracker({ ...node(), jobRunner: () => 'done' }));
    for (const one of trackers) {
      const { jobId } = await client.submitJob({});
      expect(await client.result(jobId)).toBe('done');
      if (one !== trackers.at(-1)) await one.stop();
    }
  });

  it('a periodic job goes on without the tracker that accepted it, each slot once', { timeout: 30_000 }, async () => {
    const { node, tracker } = aCluster();
    const first = await started(tracker());
    await started(tracker());
    const client = await started(new JobClient(node()));
    const slots: number[] = [];
    const enough = new Deferred<void>();
    const jobRunner = ({ scheduledFor }: { scheduledFor: Date }) => {
      slots.push(scheduledFor.getTime());
      if (slots.length === 3) void first.stop();
      if (slots.length === 7) enough.resolve();
    };
    await started(new TaskTracker({ ...node(), jobRunner }));
    await client.submitJob({ taskId: 'tick', cron: '* * * * * ?' });
    await enough.promise;
    expect(new Set(slots).size).toBe(slots.length);
  });

  it('a tracker with another store is refused, whichever came first, and says so', async () => {
    const { node, tracker } = aCluster();
    const shared = await started(tracker('shared'));
    await expect(new JobTracker({ ...node(), identity: 'lone' }).start()).rejects.toMatchObject({
      code: 'LTS_CONFIG_INVALID',
      message: expect.stringMatching(/has its JobTracker: shared, since/),
    });
    const { clusterName } = node();
    const elsewhere = { addresses: mongo.url, database: `lts_other_${clusterName}` };
    await expect(new JobTracker({ ...node(), jobQueue: 'mongo', mongo: elsewhere }).start()).rejects.toMatchObject({
      message: expect.stringMatching(/Let all use the same MongoDB database/),
    });
    await shared.stop();
    await started(new JobTracker({ ...node(), identity: 'lone' }));
    await expect(tracker().start()).rejects.toMatchObject({ code: 'LTS_CONFIG_INVALID' });
  });

  it('has one master, and another one when it stops', async () => {
    const { node } = aCluster();
    const { clusterName } = node();
    const masters: string[] = [];
    const masterChangeListener = (master: NodeInfo) => void masters.push(master.identity);
    const shared = {
      ...node(),
      jobQueue: 'mongo',
      mongo: { addresses: mongo.url, database: `lts_${clusterName}` },
      masterChangeListener,
    };
    const trackers = new Map<string, JobTracker>();
    for (const identity of ['a', 'b']) trackers.set(identity, await started(new JobTracker({ ...shared, identity })));
    await until(() => masters.length >= 2);
    const [master = ''] = masters;
    expect(new Set(masters)).toEqual(new Set([master]));
    await trackers.get(master)?.stop();
    await until(() => masters.some((identity) => identity !== master));
  });

  it('a database that was dropped under it took jobs twice: it lost the index that keeps them apart', async () => {
    const { node } = aCluster();
    const { clusterName } = node();
    const database = `lts_${clusterName}`;
    const told = new Deferred<string>();
    const options = {
      ...node(),
      jobQueue: 'mongo',
      mongo: { addresses: mongo.url, database },
      giveUpListener: (why: string) => told.resolve(why),
    };
    const tracker = await started(new JobTracker(options));
    const user = await new MongoClient(mongo.url).connect();
    atEnd(() => user.close());
    await user.db(database).dropDatabase();
    expect(await told.promise).toMatch(/the database was dropped or replaced/);
    await tracker.stop();
    await started(tracker);
    const client = await started(new JobClient(node()));
    expect((await client.submitJob({ taskId: 'T', delay: '1h' })).code).toBe('accepted');
    expect((await client.submitJob({ taskId: 'T', delay: '1h' })).code).toBe('duplicate');
  });

  it('a stop while MongoDB was away took as long as its calls there, whatever the deadline', async () => {
    const { node } = aCluster();
    const proxy = new FlakyProxy(mongo.host);
    await proxy.start();
    atEnd(() => proxy.stop());
    const addresses = proxy.url;
    const options = { ...node(), jobQueue: 'mongo', mongo: { addresses, database: `lts_${node().clusterName}` } };
    const tracker = await started(new JobTracker(options));
    const client = await started(new JobClient(node()));
    await started(new TaskTracker({ ...node(), jobRunner: () => 1 }));
    await client.result((await client.submitJob({})).jobId);
    let isLooking = false;
    proxy.rule((piece) => {
      isLooking ||= piece.includes('_leases');
      return 'swallowed';
    });
    const late = client.submitJob({});
    await until(() => isLooking);
    const began = performance.now();
    await tracker.stop(300);
    expect(performance.now() - began).toBeLessThan(2_000);
    expect((await late).code).toBe('stored-locally');
  });

  it('while MongoDB was away every duty of a tracker said so again and again, nobody what to do', {
    timeout: 60_000,
  }, async () => {
    const { node } = aCluster();
    const proxy = new FlakyProxy(mongo.host);
    await proxy.start();
    atEnd(() => proxy.stop());
    const database = `lts_${node().clusterName}`;
    await started(new JobTracker({ ...node(), jobQueue: 'mongo', mongo: { addresses: proxy.url, database } }));
    const client = await started(new JobClient({ ...node(), log: { ...log, info() {}, warn() {} } }));
    await client.submitJob({ cron: '* * * * * ?', taskId: 'tick' });
    lines = [];
    proxy.rule(() => 'lost');
    // What fails is repeated for 10 s before it is told.
    await new Promise((resolve) => setTimeout(resolve, 14_000));
    const away = lines.map(({ text }) => text);
    proxy.rule();
    await until(() => lines.some(({ text }) => / answers again$/.test(text)));
    expect(away).toEqual([
      expect.stringMatching(/^MongoDB at mongodb:\/\/127\.0\.0\.1:\d+.* does not answer \(.*FailStore.*Start it/),
    ]);
    expect(lines.length).toBe(2);
  });

  it('with only the job log in MongoDB the log said that the jobs were kept there', async () => {
    const { node } = aCluster();
    const shown = { addresses: mongo.url, database: `lts_${node().clusterName}` };
    await started(new JobTracker({ ...node(), jobLogger: 'mongo', mongo: shown }));
    const told = lines.map(({ text }) => text).filter((text) => /MongoDB/.test(text));
    expect(told).toEqual([
      'MongoDB keeps the logs of jobs only; the jobs themselves lie where job.queue says, and run on while it is down',
    ]);
  });

  it('is refused where there is no MongoDB, saying where it looked', async () => {
    const { node } = aCluster();
    const mongo = { addresses: '127.0.0.1:9', username: 'joe', password: 'geheim' };
    const error = await new JobTracker({ ...node(), jobQueue: 'mongo', mongo }).start().catch((found: Error) => found);
    expect(error).toMatchObject({ code: 'LTS_STORE_FAILED', message: expect.stringMatching(/127\.0\.0\.1:9/) });
    expect(String(error)).not.toContain('geheim');
    expect(() => new JobTracker({ ...node(), jobQueue: 'mongo', jobLogger: 'memory' })).toThrow(/jobLogger: memory/);
    expect(() => new JobTracker({ jobQueue: 'mongo' })).toThrow(/registryAddress/);
  });
});
