/** JobTracker, TaskTracker and JobClient as users construct them, in one process on one data path. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { LevelDbFailStore } from '../../src/adapters/leveldb/leveldb-fail-store.js';
import { LmdbFailStore } from '../../src/adapters/lmdb/lmdb-fail-store.js';
import { JobClient, type JobResult, JobTracker, LtsError, type OldData, TaskTracker } from '../../src/index.js';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const cleanups: (() => Promise<unknown> | undefined)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A data path of its own; what was started there is stopped before it is removed. */
function aPlace(jobQueue: 'lmdb' | 'memory' = 'lmdb') {
  const dataPath = mkdtempSync(join(tmpdir(), 'lts-facades-'));
  cleanups.push(async () => rmSync(dataPath, { recursive: true, force: true }));
  return { dataPath, jobQueue, log: silent };
}

async function started<T extends { start(): Promise<T>; stop(): Promise<unknown> }>(node: T): Promise<T> {
  cleanups.push(() => node.stop());
  return node.start();
}

/** Resolves when the test says so: what a run waits for. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describe.each(['lmdb', 'memory'] as const)('three facades on %s', (jobQueue) => {
  it('a job goes its way: submit, run, result, log, feedback', async () => {
    const place = aPlace(jobQueue);
    const told = gate();
    const results: JobResult[] = [];
    await started(new JobTracker(place));
    await started(
      new TaskTracker({
        ...place,
        nodeGroup: 'work',
        processors: {
          twice: {
            run: ({ job, bizLogger }) => {
              bizLogger.info('here');
              return { n: 2 * job.getParam('n') };
            },
          },
        },
      }),
    );
    const jobCompletedHandler = {
      onComplete: (found: JobResult[]) => {
        results.push(...found);
        told.open();
      },
    };
    const client = await started(new JobClient({ ...place, nodeGroup: 'web', jobCompletedHandler }));
    const response = await client.submitJob({ nodeGroup: 'work', processor: 'twice', params: { n: 21 }, taskId: 'T' });
    expect(response).toMatchObject({ success: true, code: 'accepted', taskId: 'T', failedJobs: [] });
    expect(await client.result(response.jobId)).toEqual({ n: 42 });
    await told.opened;
    expect(results).toMatchObject([{ jobId: response.jobId, success: true, value: { n: 42 } }]);
    expect((await client.getJob(response.jobId))?.status.state).toBe('succeeded');
    expect(await client.countJobs()).toEqual({ work: { succeeded: 1 } });
    expect((await client.explain(response.jobId)).code).toBe('ended');
  });

  it('many at once: each has its own Response, the bad ones name their jobs', async () => {
    const place = aPlace(jobQueue);
    await started(new JobTracker(place));
    const client = await started(new JobClient(place));
    const bad = { priority: 1.5 };
    const responses = await client.submitJob([{}, bad, { delay: '1h', taskId: 'T' }]);
    expect(responses.map(({ code, success }) => [code, success])).toEqual([
      ['accepted', true],
      ['rejected', false],
      ['accepted', true],
    ]);
    expect(responses[1]?.failedJobs).toEqual([bad]);
    expect((await client.cancelJob('T', 'lts')).receipt).toBe('done');
    expect((await client.listJobs({ states: ['cancelled'] })).records).toHaveLength(1);
  });
});

describe('one data path', () => {
  it('a second tracker is refused and does the first one no harm', async () => {
    const place = aPlace();
    await started(new JobTracker(place));
    const client = await started(new JobClient(place));
    await expect(new JobTracker(place).start()).rejects.toMatchObject({ code: 'LTS_CONFIG_INVALID' });
    expect((await client.submitJob({})).code).toBe('accepted');
  });

  it('a tracker that restarts beside a living worker gives none of its runs away', async () => {
    const place = aPlace();
    const tracker = await started(new JobTracker(place));
    const client = await started(new JobClient(place));
    const running = gate();
    const ending = gate();
    let runs = 0;
    await started(
      new TaskTracker({
        ...place,
        jobRunner: async () => {
          runs++;
          running.open();
          await ending.opened;
          return 'kept';
        },
      }),
    );
    const { jobId } = await client.submitJob({});
    await running.opened;
    await tracker.stop();
    await tracker.start();
    ending.open();
    expect(await client.result(jobId)).toBe('kept');
    expect(runs).toBe(1);
    expect((await client.getJob(jobId))?.status).toMatchObject({ attempt: 1, losses: 0 });
  });

  it('is free again when its last node has stopped, in whatever order they started and stopped', async () => {
    const place = aPlace();
    for (let round = 0; round < 2; round++) {
      const client = await new JobClient(place).start();
      const worker = await new TaskTracker({ ...place, jobRunner: () => round }).start();
      const tracker = await new JobTracker(place).start();
      const { jobId } = await client.submitJob({});
      expect(await client.result(jobId)).toBe(round);
      await tracker.stop();
      await Promise.all([worker.stop(), client.stop()]);
    }
  });

  it('jobs outlive the processes of their nodes', async () => {
    const place = aPlace();
    {
      await using tracker = await new JobTracker(place).start();
      await using client = await new JobClient(place).start();
      expect(tracker).toBeDefined();
      await client.submitJob({ jobId: 'J1', delay: '1h', params: { a: 1 } });
    }
    await started(new JobTracker(place));
    const client = await started(new JobClient(place));
    expect((await client.getJob('J1'))?.body.params).toBe('{"a":1}');
  });

  it('submissions kept while no tracker was there arrive later', async () => {
    const place = aPlace();
    const first = await new JobClient(place).start();
    expect((await first.submitJob({ jobId: 'J1' })).code).toBe('stored-locally');
    await first.stop();
    await started(new JobTracker(place));
    const client = await started(new JobClient(place));
    // A cancel of what is kept sends it first; otherwise it goes within five seconds.
    expect((await client.cancelJob('J1')).receipt).toBe('done');
  });

  it('a submission under way when its client stops ends with an answer, and is not lost if it says so', async () => {
    const place = aPlace();
    const client = await new JobClient(place).start();
    const underWay = client.submitJob({ jobId: 'J1' });
    await client.stop();
    expect((await underWay).code).toBe('stored-locally');
  });
});

describe('life', () => {
  it('start twice at once is one start; stop twice is one stop; and it starts again', async () => {
    const place = aPlace();
    const nodes = [new JobTracker(place), new TaskTracker({ ...place, jobRunner: () => 1 }), new JobClient(place)];
    for (let round = 0; round < 2; round++) {
      await Promise.all(nodes.flatMap((node) => [node.start(), node.start()]));
      await Promise.all(nodes.flatMap((node) => [node.stop(), node.stop()]));
    }
  });

  it('stop before start does nothing', async () => {
    const place = aPlace();
    expect(await new TaskTracker({ ...place, jobRunner: () => 1 }).stop()).toEqual({
      finished: 0,
      handedBack: 0,
      abandoned: 0,
    });
    await new JobTracker(place).stop();
    await new JobClient(place).stop();
  });

  it.each([
    { workThreads: 0 },
    { workThreads: Number.NaN },
    { nodeGroup: 'a b' },
    { identity: 'a.b*' },
    { clusterName: '' },
    { leaseLost: 'maybe' as 'abort' },
  ])('a bad option is refused, naming it: %j', async (option) => {
    const place = aPlace('memory');
    const error = await (async () => new TaskTracker({ ...place, jobRunner: () => 1, ...option }).start())().catch(
      (found: unknown) => found,
    );
    expect(LtsError.is(error, 'LTS_CONFIG_INVALID')).toBe(true);
    expect((error as Error).message).toContain(`${Object.keys(option)[0]}: `);
  });
});

describe('the old data handler of a node', () => {
  function aHandler() {
    const asked: string[] = [];
    const handle = ({ kind, jobId }: OldData) => {
      asked.push(`${kind} ${jobId}`);
      return 'drop' as const;
    };
    return { asked, oldDataHandler: { olderThanMs: 0, handle } };
  }

  it('of a JobClient: is asked about its kept submissions', async () => {
    const { asked, oldDataHandler } = aHandler();
    const client = await started(new JobClient({ ...aPlace('memory'), oldDataHandler }));
    const { jobId } = await client.submitJob({ taskId: 'T' });
    await new Promise((resolve) => setTimeout(resolve, 2)); // Older than nothing: the clock is real here.
    await expect(client.cancelJob('T', 'lts')).rejects.toThrow(LtsError);
    expect(asked).toEqual([`submissions ${jobId}`]);
  });

  describe.each([
    ['lmdb', '0', ['1', 'leveldb-0', 'leveldb-1']],
    ['leveldb', 'leveldb-0', ['0', '1', 'leveldb-1']],
  ] as const)('of a JobTracker with its FailStore in %s', (failStore, own, others) => {
    it('is asked about what dead processes left, before their runs are rescued and after, in files of either kind', async () => {
      const place = aPlace();
      const { asked, oldDataHandler } = aHandler();
      for (const folder of [own, ...others]) {
        const path = join(place.dataPath, 'failstore', `${folder}.lts`);
        const left = folder.startsWith('leveldb') ? new LevelDbFailStore({ path }) : new LmdbFailStore({ path });
        await left.open();
        const value = JSON.stringify({ jobId: `J${folder}`, runId: 'R', outcome: { kind: 'success' } });
        await left.put([{ topic: 'results', key: 'k', value, at: 0 }]);
        await left.close();
      }
      await started(new JobTracker({ ...place, failStore, oldDataHandler }));
      await expect.poll(() => asked.length).toBe(4);
      expect(asked[0]).toBe(`results J${own}`);
      expect(asked.slice(1).sort()).toEqual(others.map((folder) => `results J${folder}`));
    });
  });
});
