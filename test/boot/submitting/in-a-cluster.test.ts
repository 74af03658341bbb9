/** Typed submits and chains against real roles: what a JobTracker answers, how jobs travel, and waits that end otherwise. */

import { inject } from 'inversify';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  defineJob,
  defineProcessor,
  JobHandler,
  LtsJobClient,
  Processor,
  type StandardSchema,
} from '../../../src/index.js';
import { Clock } from '../../../src/ports/clock.js';
import { testCluster } from '../../../src/testing/index.js';

@Processor('numbers')
class Numbers {
  constructor(@inject(Clock) private readonly clock: Clock) {}

  @JobHandler({ params: z.object({ n: z.number().default(7) }) })
  async twice({ n }: { n: number }) {
    return 2 * n;
  }
  @JobHandler()
  async slow() {
    await this.clock.sleep(60_000);
    return 'slow';
  }
}

/** A cluster of which each SubmitJobs message is counted. */
async function aCluster() {
  const submits: string[] = [];
  const trace = (line: string) => {
    if (line.includes('SubmitJobs')) submits.push(line);
  };
  return { cluster: await testCluster({ processors: [Numbers], trace }), submits };
}

describe('typed', () => {
  it('a duplicate is the handle of the existing job, which gives its result', async () => {
    const { cluster } = await aCluster();
    await using _ = cluster;
    const { jobClient } = cluster;
    const first = await jobClient.submit(Numbers, 'twice', { n: 2 }, { taskId: 'T', delay: '1s' });
    const second = await jobClient.submit(Numbers, 'twice', { n: 3 }, { taskId: 'T' });
    expect([second.code, second.jobId, second.success]).toEqual(['duplicate', first.jobId, true]);
    expect(await second.result()).toBe(4);
    const third = await jobClient.submit(Numbers, 'twice', { n: 4 }, { taskId: 'T', delay: '1h' });
    const replaced = await jobClient.submit(Numbers, 'twice', { n: 5 }, { taskId: 'T', replaceOnExist: true });
    expect([replaced.code, replaced.jobId]).toEqual(['replaced', third.jobId]);
    expect(await replaced.result()).toBe(10);
  });

  it.each([
    ['LTS_JOB_INVALID', { priority: 1.5 }, 'priority: 1.5'],
    ['LTS_CRON_INVALID', { cron: 'soon' }, "'soon'"],
    ['LTS_DURATION_INVALID', { delay: 'soon' }, 'delay: "soon"'],
  ])('what is wrong with the job is thrown as %s, naming the field', async (code, options, text) => {
    const { cluster } = await aCluster();
    await using _ = cluster;
    await expect(cluster.jobClient.submit(Numbers, 'twice', { n: 1 }, options)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(text),
    });
  });

  it.each<[string, () => object]>([
    [
      'a revoked Proxy',
      () => {
        const { proxy, revoke } = Proxy.revocable({}, {});
        revoke();
        return proxy;
      },
    ],
    [
      'a getter that throws',
      () => ({
        get params() {
          throw new Error('no luck');
        },
        processor: 'numbers.twice',
      }),
    ],
  ])('%s took the answers of its neighbours in a list along', async (_what, bad) => {
    const { cluster } = await aCluster();
    await using _ = cluster;
    const client = cluster.jobClient;
    const job = { processor: 'numbers.twice', params: { n: 1 } };
    const responses = await client.submitJob([job, bad(), job]);
    expect(responses.map(({ code }) => code)).toEqual(['accepted', 'rejected', 'accepted']);
    expect(responses[1]?.msg).toContain('The job cannot be read: ');
    expect(await client.submitJob(bad())).toMatchObject({ code: 'rejected', success: false });
    const handles = await client.submitAll([
      [Numbers, 'twice', { n: 1 }],
      [Numbers, 'twice', bad() as { n: number }],
      [Numbers, 'twice', { n: 1 }, bad()],
    ]);
    expect(handles.map(({ code }) => code)).toEqual(['accepted', 'rejected', 'rejected']);
  });

  it('200 jobs of submitAll travel in one message, and the bad ones among them spoil nothing', async () => {
    const { cluster, submits } = await aCluster();
    await using _ = cluster;
    const good = [...Array(200).keys()].map((n) => ({ n }));
    const params = [...good, { n: 'x' } as unknown as { n: number }, { n: 1 }];
    const optionsOf = (k: number) => ({ taskId: `T${k}`, priority: k === 201 ? 0.5 : 5 });
    const jobs = await cluster.jobClient.submitAll(params.map((n, k) => [Numbers, 'twice', n, optionsOf(k)] as const));
    expect(submits.filter((line) => !line.includes('reply'))).toHaveLength(1);
    expect(jobs.map(({ taskId }) => taskId)).toEqual(jobs.map((_job, k) => `T${k}`));
    expect(jobs.map(({ code }) => code)).toEqual([...good.map(() => 'accepted'), 'rejected', 'rejected']);
    expect(await jobs[199]?.result()).toBe(398);
    await expect(jobs[201]?.result()).rejects.toMatchObject({ code: 'LTS_JOB_INVALID' });
  });

  it('an untyped job of a known processor is checked, and runs with what the schema makes of it', async () => {
    const { cluster } = await aCluster();
    await using _ = cluster;
    const good = await cluster.jobClient.submitJob({ processor: 'numbers.twice' });
    expect(await cluster.jobClient.result(good.jobId)).toBe(14);
    const [bad] = await cluster.jobClient.submitJob([{ processor: 'numbers.twice', params: { n: '1' } }]);
    expect([bad?.code, bad?.msg]).toEqual(['rejected', expect.stringMatching(/^Job numbers\.twice: .*n: /)]);
  });
});

it('rules that fail before the run are tried again with the next attempt; params that do not fit end the job', async () => {
  const answers = ['at submit', new Error('no database'), 'again', 'at submit', false];
  const validate = async () => {
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer === false ? { issues: [{ message: 'is too late' }] } : { value: {} };
  };
  const params: StandardSchema<object> = { '~standard': { version: 1, vendor: 'hand', validate } };
  const ruled = defineProcessor('ruled', { params }, () => 'ran');
  await using cluster = await testCluster({ processors: [ruled] });
  const job = await cluster.submit(ruled, {});
  expect([await job.result(), job.attempts]).toEqual(['ran', 2]);
  const late = await cluster.submit(ruled, {});
  expect([await late.ended(), late.attempts, late.reason]).toEqual(['failed', 1, 'failed']);
  expect(late.message).toMatch(/params: is too late/);
});

describe('submitAndWait', () => {
  it('gives the value', async () => {
    const { cluster } = await aCluster();
    await using _ = cluster;
    expect(await cluster.jobClient.submitAndWait(Numbers, 'twice', { n: 4 })).toBe(8);
    expect(await LtsJobClient.getInstance().processor(Numbers, 'slow').submitAndWait()).toEqual(['slow']);
  });

  it('waitTimeout ends the wait, not the job', async () => {
    const { cluster } = await aCluster();
    await using _ = cluster;
    const given = { taskId: 'T', waitTimeout: '10s' };
    await expect(cluster.jobClient.submitAndWait(Numbers, 'slow', {}, given)).rejects.toMatchObject({
      code: 'LTS_TIMEOUT',
    });
    const same = await cluster.jobClient.submit(Numbers, 'slow', {}, { taskId: 'T' });
    expect([same.code, await same.result()]).toEqual(['duplicate', 'slow']);
  });

  it('the signal ends the wait, not the job', async () => {
    const { cluster } = await aCluster();
    await using _ = cluster;
    const controller = new AbortController();
    const waiting = cluster.jobClient.submitAndWait(Numbers, 'slow', {}, { taskId: 'T', signal: controller.signal });
    const ended = expect(waiting).rejects.toMatchObject({ code: 'LTS_ABORTED' });
    await cluster.until(() => cluster.jobs()[0]?.state() === 'executing');
    controller.abort();
    await ended;
    expect(cluster.jobs().map((job) => job.state())).toEqual(['executing']);
  });

  it('a stop during the wait ends it', async () => {
    const { cluster } = await aCluster();
    const waits = [
      cluster.jobClient.submitAndWait(Numbers, 'slow'),
      LtsJobClient.getInstance().processor('numbers.slow').submitAndWait(),
    ];
    const ended = Promise.all(waits.map((wait) => expect(wait).rejects.toMatchObject({ code: 'LTS_NOT_STARTED' })));
    await cluster.until(() => cluster.jobs().length === 2);
    await cluster.stop();
    await ended;
  });

  it('a job that fails throws its reason', async () => {
    const failing = defineProcessor('failing', { maxRetryTimes: 0 }, () => {
      throw new Error('never');
    });
    await using cluster = await testCluster({ processors: [failing] });
    await expect(cluster.jobClient.submitAndWait(failing)).rejects.toMatchObject({
      code: 'LTS_JOB_FAILED',
      message: expect.stringContaining('never'),
    });
  });
});

describe('the builder', () => {
  it.each<[string, (chain: LtsJobClient) => LtsJobClient, RegExp]>([
    ['taskId', (c) => c.taskId(5 as never), /taskId: 5/],
    ['taskId too long', (c) => c.bizType('t').bizId('x'.repeat(64)), /taskId: "t:x+/],
    ['nodeGroup', (c) => c.nodeGroup('a b'), /nodeGroup: "a b" is not a name/],
    ['nodeGroup empty', (c) => c.nodeGroup(''), /nodeGroup: ""/],
    ['processor', (c) => c.processor(''), /processor: ""/],
    ['priority', (c) => c.priority('5' as never), /priority: "5"/],
    ['lane', (c) => c.lane('a b'), /lane: "a b"/],
    ['triggerTime', (c) => c.triggerTime('soon' as never), /triggerTime: "soon"/],
    ['triggerTime invalid', (c) => c.triggerTime(new Date(Number.NaN)), /triggerTime: /],
    ['delay', (c) => c.delay('soon'), /delay: "soon"/],
    ['cron', (c) => c.cron('every day'), /every day/],
    ['cron zone', (c) => c.cron('0 0 * * *', { timeZone: 'Mars/Olympus' }), /Mars\/Olympus/],
    ['misfire', (c) => c.cron('0 0 * * *', { misfire: 'never' as never }), /misfire: "never"/],
    ['repeat', (c) => c.repeat('1s' as never), /repeat: "1s"/],
    ['repeat count', (c) => c.repeat({ interval: '1s', count: 1.5 }), /repeat\.count: 1\.5/],
    ['fixedDelay', (c) => c.fixedDelay(0), /fixedDelay: 0/],
    ['maxRetryTimes', (c) => c.maxRetryTimes(-1), /maxRetryTimes: -1/],
    ['retryInterval', (c) => c.retryInterval(-1), /retryInterval: -1/],
    ['backoff', (c) => c.backoff('linear' as never), /backoff: "linear"/],
    ['backoff max', (c) => c.backoff('exponential', { max: 'x' }), /retryIntervalMax: "x"/],
    ['timeout', (c) => c.timeout('0s'), /timeout: 0/],
    ['expireAt', (c) => c.expireAt(1.5), /expireAt: 1\.5/],
    ['two triggers', (c) => c.cron('0 0 * * *').fixedDelay('1s'), /cron and fixedDelay exclude each other/],
    ['delay and triggerTime', (c) => c.delay(1).triggerTime(5), /triggerTime and delay exclude each other/],
    ['params', (c) => c.setParam('a', 1n), /params\.a is a bigint/],
    ['__proto__', (c) => c.setParam('__proto__', 1), /params\.__proto__ is a key that is refused/],
  ])('%s: what the verb let pass is rejected, naming the field', async (_name, verb, message) => {
    const { cluster } = await aCluster();
    await using _ = cluster;
    const [response] = await verb(LtsJobClient.getInstance().setParam('kept', 1)).submit();
    expect(response).toMatchObject({ code: 'rejected', success: false, msg: expect.stringMatching(message) });
    expect(response?.failedJobs[0]?.params).toMatchObject({ kept: 1 });
    expect(cluster.jobs()).toEqual([]);
  });

  it('the same business object again is a duplicate; several groups are several jobs in one message', async () => {
    const { cluster, submits } = await aCluster();
    await using _ = cluster;
    const chain = LtsJobClient.getInstance().bizId('cws1804').bizType('tntOrder').nodeGroup('a,b').delay('1h');
    const first = await chain.submit();
    expect(submits.filter((line) => !line.includes('reply'))).toHaveLength(1);
    const again = await chain.submit();
    expect(first.map(({ code, taskId }) => [code, taskId])).toEqual(Array(2).fill(['accepted', 'tntOrder:cws1804']));
    expect(again.map(({ code, jobId }) => [code, jobId])).toEqual(first.map(({ jobId }) => ['duplicate', jobId]));
  });

  it('a contract without handler here is checked and submitted', async () => {
    const { cluster } = await aCluster();
    await using _ = cluster;
    const contract = defineJob('numbers.twice', { params: z.object({ n: z.number() }) });
    expect(await LtsJobClient.getInstance().processor(contract).setParam('n', 1).submitAndWait()).toEqual([2]);
  });
});
