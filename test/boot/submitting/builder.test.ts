/** The fluent builder: what each verb says, what wrong words come to, and that no chain touches another. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { JobHandler, LtsJobClient, Processor } from '../../../src/index.js';
import { defineJob } from '../../../src/job/contract.js';
import type { Job } from '../../../src/job/job.js';
import { playedClient } from './stand-in-role.js';

const mail = defineJob('mail.send', { params: z.object({ to: z.string() }), nodeGroup: 'mails', timeout: '1s' });

@Processor({ id: 'orders', nodeGroup: 'shops' })
class Orders {
  @JobHandler()
  async sync(_params: { n: number }) {}
}
@Processor()
class SpringBean {
  run() {}
}

type Chain = LtsJobClient;
// biome-ignore lint/suspicious/noExplicitAny: words that the compiler would refuse.
type Loose = any;

/** The jobs that a chain sends. */
async function jobsOf(chain: (client: LtsJobClient) => Chain): Promise<Job[]> {
  const { client, sent } = playedClient();
  const responses = await chain(new LtsJobClient(client)).submit();
  expect(responses.map(({ code }) => code)).toEqual(sent.map(() => 'accepted'));
  return sent.map((job) => Object.fromEntries(Object.entries(job).filter(([, value]) => value !== undefined)));
}

const at = new Date('2027-01-01');
const verbs: readonly [string, (chain: Chain) => Chain, Job][] = [
  ['taskId', (c) => c.taskId('T'), { taskId: 'T' }],
  ['bizId', (c) => c.bizId('7'), { taskId: '7' }],
  ['bizId of a number', (c) => c.bizId(0), { taskId: '0' }],
  ['bizId of a bigint', (c) => c.bizId(9_007_199_254_740_993n), { taskId: '9007199254740993' }],
  ['bizType and bizId', (c) => c.bizId('cws1804').bizType('tntOrder'), { taskId: 'tntOrder:cws1804' }],
  ['taskId over bizType and bizId', (c) => c.taskId('T').bizType('a').bizId('b'), { taskId: 'T' }],
  ['processor', (c) => c.processor('springBean'), { processor: 'springBean' }],
  ['processor of a class', (c) => c.processor(SpringBean), { processor: 'springBean' }],
  ['processor of a method', (c) => c.processor(Orders, 'sync'), { processor: 'orders.sync', nodeGroup: 'shops' }],
  ['the last processor', (c) => c.processor(Orders, 'sync').processor('x'), { processor: 'x' }],
  ['nodeGroup', (c) => c.nodeGroup('g'), { nodeGroup: 'g' }],
  ['setParam', (c) => c.setParam('a', 1).setParam('b', [2]).setParam('a', 3), { params: { a: 3, b: [2] } }],
  ['setParams', (c) => c.setParam('a', 1).setParams({ b: 2, a: 3 }), { params: { a: 3, b: 2 } }],
  ['priority', (c) => c.priority(5), { priority: 5 }],
  ['lane', (c) => c.lane('l'), { lane: 'l' }],
  ['triggerTime', (c) => c.triggerTime(at), { triggerTime: at }],
  ['delay', (c) => c.delay('3d'), { delay: '3d' }],
  ['cron', (c) => c.cron('0 0 * * *'), { cron: '0 0 * * *' }],
  [
    'cron with options',
    (c) => c.cron('0 0 * * *', { timeZone: 'UTC', misfire: 'skip' }),
    { cron: '0 0 * * *', timeZone: 'UTC', misfire: 'skip' },
  ],
  ['repeat', (c) => c.repeat({ interval: '1s', count: 3 }), { repeat: { interval: '1s', count: 3 } }],
  ['fixedDelay', (c) => c.fixedDelay('1s'), { fixedDelay: '1s' }],
  ['maxRetryTimes', (c) => c.maxRetryTimes(0), { maxRetryTimes: 0 }],
  ['retryInterval', (c) => c.retryInterval(5), { retryInterval: 5 }],
  ['backoff', (c) => c.backoff('fixed'), { backoff: 'fixed' }],
  [
    'backoff with max',
    (c) => c.backoff('exponential', { max: '1h' }),
    { backoff: 'exponential', retryIntervalMax: '1h' },
  ],
  ['timeout', (c) => c.timeout('30s'), { timeout: '30s' }],
  ['needFeedback', (c) => c.needFeedback(), { needFeedback: true }],
  ['needFeedback(false)', (c) => c.needFeedback(false), { needFeedback: false }],
  ['replaceOnExist', (c) => c.replaceOnExist(), { replaceOnExist: true }],
  ['relyOnPrevCycle', (c) => c.relyOnPrevCycle(false), { relyOnPrevCycle: false }],
  ['expireAt', (c) => c.expireAt(at), { expireAt: at }],
];

describe('each verb', () => {
  it.each(verbs)('%s', async (_name, verb, expected) => {
    expect(await jobsOf(verb)).toEqual([{ params: {}, ...expected }]);
  });

  it('is tried here', () => {
    const said = new Set(verbs.flatMap(([, verb]) => [...String(verb).matchAll(/\.(\w+)\(/g)].map(([, name]) => name)));
    const all = Object.getOwnPropertyNames(LtsJobClient.prototype);
    const inner = ['constructor', 'submit', 'submitAndWait', 'submitted', 'say', 'flag', 'wrong', 'and'];
    expect(all.filter((name) => !said.has(name) && !inner.includes(name))).toEqual([]);
  });
});

describe('node groups', () => {
  it.each([[['a,b']], [['a', 'b']], [[['a', 'b']]], [[' a , b ', 'a']]])(
    '%j: each group has a job of its own',
    async (groups) => {
      const jobs = await jobsOf((chain) =>
        chain
          .bizId('1')
          .setParam('n', 1)
          .nodeGroup(...(groups as string[])),
      );
      expect(jobs).toEqual([
        { nodeGroup: 'a', taskId: '1', params: { n: 1 } },
        { nodeGroup: 'b', taskId: '1', params: { n: 1 } },
      ]);
      expect(jobs[0]?.params).not.toBe(jobs[1]?.params);
    },
  );

  it('the verb wins over the contract', async () => {
    expect(await jobsOf((chain) => chain.processor(mail).setParam('to', 'a'))).toMatchObject([
      { nodeGroup: 'mails', timeout: '1s' },
    ]);
    expect(await jobsOf((chain) => chain.processor(mail).setParam('to', 'a').nodeGroup('x'))).toMatchObject([
      { nodeGroup: 'x' },
    ]);
  });

  it('each has its own response', async () => {
    const { client } = playedClient({
      answer: ({ nodeGroup }) => (nodeGroup === 'b' ? { code: 'busy', msg: 'full' } : {}),
    });
    const responses = await new LtsJobClient(client).bizId('1').nodeGroup('a', 'b', 'c').submit();
    expect(responses.map(({ code, jobId }) => [code, jobId])).toEqual([
      ['accepted', 'J1'],
      ['busy', 'J2'],
      ['accepted', 'J3'],
    ]);
    expect(responses[1]).toMatchObject({ success: false, msg: 'full', taskId: '1', failedJobs: [{ nodeGroup: 'b' }] });
  });
});

describe('wrong words', () => {
  const wrong: [string, (chain: Loose) => Chain, RegExp][] = [
    ['bizId', (c) => c.bizId(undefined), /^bizId: undefined cannot be used/],
    ['bizId NaN', (c) => c.bizId(Number.NaN), /^bizId: NaN/],
    ['bizId object', (c) => c.bizId({ id: 1 }), /^bizId: \{"id":1\}/],
    ['bizId empty', (c) => c.bizId(''), /^bizId: it is empty/],
    ['bizType empty', (c) => c.bizType('').bizId('1'), /^bizType: ""/],
    ['bizType without bizId', (c) => c.bizType('order'), /^bizType: "order" needs a bizId/],
    ['processor', (c) => c.processor(undefined), /^processor: undefined/],
    ['processor number', (c) => c.processor(5), /^processor: 5 is neither a bean id, a class nor a contract/],
    ['processor class', (c) => c.processor(class Unmarked {}), /^Unmarked is not marked @Processor/],
    ['processor method', (c) => c.processor(Orders, 'snyc'), /^Orders has no method "snyc"/],
    ['processor without method', (c) => c.processor(Orders), /^Orders has no run/],
    [
      'processor id with method',
      (c) => c.processor('orders', 'sync'),
      /^processor: "sync" is a method, but what stands before it is no class/,
    ],
    ['setParam', (c) => c.setParam(undefined, 1), /^setParam: undefined/],
    ['setParams null', (c) => c.setParams(null), /^setParams: null/],
    ['setParams list', (c) => c.setParams([1]), /^setParams: \[1\]/],
    ['setParams text', (c) => c.setParams('a'), /^setParams: "a"/],
    ['nodeGroup nothing', (c) => c.nodeGroup(), /^nodeGroup: no group was given/],
    ['nodeGroup undefined', (c) => c.nodeGroup('a', undefined), /^nodeGroup: undefined/],
    ['nodeGroup null', (c) => c.nodeGroup(null), /^nodeGroup: null/],
    ['cron options', (c) => c.cron('0 0 * * *', 'Europe/Berlin'), /^cron: "Europe\/Berlin"/],
    ['cron options null', (c) => c.cron('0 0 * * *', null), /^cron: null/],
    ['cron zone', (c) => c.cron('0 0 * * *', { timeZone: null }), /^timeZone: null/],
    ['backoff options', (c) => c.backoff('exponential', '1h'), /^backoff: "1h"/],
    ...(
      ['taskId', 'priority', 'lane', 'triggerTime', 'delay', 'cron', 'repeat', 'fixedDelay', 'maxRetryTimes'] as const
    ).map((verb) => [verb, (c: Loose) => c[verb](undefined), new RegExp(`^${verb}: undefined`)] as never),
    ...(
      ['retryInterval', 'backoff', 'timeout', 'needFeedback', 'replaceOnExist', 'relyOnPrevCycle', 'expireAt'] as const
    ).map((verb) => [verb, (c: Loose) => c[verb](null), new RegExp(`^${verb}: null`)] as never),
  ];

  it.each(wrong)('%s: nothing is sent, and the reason names the verb', async (_name, verb, message) => {
    const { client, sent } = playedClient();
    const chain = verb(new LtsJobClient(client).setParam('kept', 1));
    const [response, ...others] = await chain.submit();
    expect(response).toMatchObject({ success: false, code: 'rejected', msg: expect.stringMatching(message) });
    expect(response?.failedJobs).toMatchObject([{ params: { kept: 1 } }]);
    expect(others).toEqual([]);
    await expect(chain.submitAndWait()).rejects.toMatchObject({
      code: 'LTS_JOB_INVALID',
      message: expect.stringMatching(message),
    });
    expect(sent).toEqual([]);
  });

  it.each(['needFeedback', 'replaceOnExist', 'relyOnPrevCycle'] as const)(
    '%s takes true or false, no text',
    async (verb) => {
      const { client, sent } = playedClient();
      const [response] = await (new LtsJobClient(client) as Loose)[verb]('false').submit();
      expect([response.code, response.msg, sent]).toEqual(['rejected', `${verb}: "false" cannot be used.`, []]);
    },
  );

  it('all of them are said, for each group', async () => {
    const { client } = playedClient();
    const chain = new LtsJobClient(client)
      .priority(undefined as Loose)
      .nodeGroup('a,b')
      .bizType('x');
    const responses = await chain.submit();
    expect(responses.map(({ msg }) => msg)).toEqual(
      Array(2).fill('priority: undefined cannot be used. bizType: "x" needs a bizId beside it.'),
    );
  });

  it('params that do not fit the contract are rejected, naming the path; submitAndWait throws as a typed submit', async () => {
    const { client, sent } = playedClient();
    const chain = new LtsJobClient(client).processor(mail).setParam('to', 5);
    expect((await chain.submit())[0]?.msg).toMatch(/^Job mail\.send: .*to: /);
    await expect(chain.submitAndWait()).rejects.toMatchObject({ code: 'LTS_PARAMS_INVALID' });
    expect(sent).toEqual([]);
  });

  it('a key __proto__ is a param like any other until it is encoded, and pollutes nothing', async () => {
    const [job] = await jobsOf((chain) => chain.setParam('__proto__', { isAdmin: true }));
    expect(Object.keys(job?.params as object)).toEqual(['__proto__']);
    expect(job?.params).not.toHaveProperty('isAdmin');
  });
});

describe('chains', () => {
  const calls = fc.array(fc.tuple(fc.boolean(), fc.nat(verbs.length - 1)), { maxLength: 40 });

  it('share nothing: verbs of two interleaved chains come to the same as one after the other', async () => {
    const apply = (chain: Chain, index: number) => (verbs[index] as (typeof verbs)[number])[1](chain);
    await fc.assert(
      fc.asyncProperty(calls, async (sequence) => {
        const { client, sent } = playedClient();
        const sentBy = async (chain: Chain) => {
          await chain.submit();
          return sent.splice(0);
        };
        const root = new LtsJobClient(client).setParam('root', 1);
        const before = await sentBy(root);
        let [left, right] = [root, root];
        for (const [isLeft, index] of sequence) {
          if (isLeft) left = apply(left, index);
          else right = apply(right, index);
        }
        const alone = (side: boolean) =>
          sequence.filter(([isLeft]) => isLeft === side).reduce((chain, [, index]) => apply(chain, index), root);
        expect(await sentBy(left)).toEqual(await sentBy(alone(true)));
        expect(await sentBy(right)).toEqual(await sentBy(alone(false)));
        expect(await sentBy(root)).toEqual(before);
      }),
      { numRuns: 100, seed: 4 },
    );
  });

  it('every verb answers a new one', () => {
    const root = new LtsJobClient(playedClient().client);
    for (const [, verb] of verbs) expect(verb(root)).not.toBe(root);
  });

  it('may be submitted again, even after a response was changed', async () => {
    const { client, sent } = playedClient({ answer: () => ({ code: 'busy' }) });
    const chain = new LtsJobClient(client).setParam('n', 1);
    const [first] = await chain.submit();
    (first?.failedJobs[0]?.params as { n: number }).n = 2;
    await chain.submit();
    expect(sent[1]?.params).toEqual({ n: 1 });
  });
});

describe('submitAndWait', () => {
  it('gives the values in the order of the groups', async () => {
    const { client } = playedClient({ result: async (jobId) => `of ${jobId}` });
    expect(await new LtsJobClient(client).nodeGroup('a,b').submitAndWait()).toEqual(['of J1', 'of J2']);
  });

  it('throws when a group did not take the job, naming processor and group, and waits for none', async () => {
    const { client, asked } = playedClient({
      answer: ({ nodeGroup }) => ({ code: nodeGroup === 'b' ? 'busy' : 'accepted' }),
    });
    const chain = new LtsJobClient(client).processor(Orders, 'sync').nodeGroup('a,b');
    await expect(chain.submitAndWait()).rejects.toMatchObject({
      code: 'LTS_BUSY',
      message: 'Job orders.sync for b (jobId J2) was not submitted, busy: no reason was given.',
    });
    expect(asked).toEqual([]);
  });

  it('throws what the first failed job threw, once all have settled', async () => {
    const settled: string[] = [];
    const result = async (jobId: string) => {
      for (let turns = jobId === 'J1' ? 1 : 9; turns > 0; turns--) await Promise.resolve();
      settled.push(jobId);
      throw new Error(jobId);
    };
    await expect(new LtsJobClient(playedClient({ result }).client).nodeGroup('a,b').submitAndWait()).rejects.toThrow(
      'J1',
    );
    expect(settled).toEqual(['J1', 'J2']);
  });

  it('passes timeout and signal on, and finds a bad timeout before anything is sent', async () => {
    const { client, asked, sent } = playedClient();
    const { signal } = new AbortController();
    await new LtsJobClient(client).submitAndWait({ timeout: '1s', signal });
    expect(asked).toEqual([['result', 'J1', { timeout: '1s', signal }]]);
    await expect(new LtsJobClient(client).submitAndWait({ timeout: 'soon' })).rejects.toMatchObject({
      code: 'LTS_DURATION_INVALID',
    });
    expect(sent).toHaveLength(1);
  });

  it('given up before, sends nothing', async () => {
    const { client, sent } = playedClient();
    const chain = new LtsJobClient(client);
    await expect(chain.submitAndWait({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'LTS_ABORTED' });
    expect(await chain.submit({ signal: AbortSignal.abort() })).toMatchObject([{ code: 'rejected', success: false }]);
    expect(sent).toEqual([]);
  });
});
