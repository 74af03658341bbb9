/** The typed submit: what is sent for each of its forms, and what every answer comes to. */
import { IsInt, IsOptional, IsString, registerDecorator } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type JobContext, JobHandler, type JobRunner, LtsError, Nested, Processor } from '../../../src/index.js';
import { defineJob } from '../../../src/job/contract.js';
import type { SubmitOutcome } from '../../../src/job-client/submit.js';
import { playedClient } from './stand-in-role.js';

class SyncOrder {
  @IsString() shop!: string;
  @IsOptional() @IsInt() pages?: number = 1;
  @Nested(() => Date) due?: Date;
}
const mail = defineJob('mail.send', { params: z.object({ to: z.string() }), timeout: '1s' });

@Processor({ id: 'orders', nodeGroup: 'shops', priority: 7, maxRetryTimes: 3 })
class Orders {
  @JobHandler({ params: SyncOrder, maxRetryTimes: 5 })
  async sync(params: SyncOrder, _context: JobContext) {
    return { synced: params.pages };
  }
  @JobHandler()
  async plain(params: { n: number }) {
    return params.n;
  }
  @JobHandler(mail)
  async send(_params: { to: string }) {}
}

@Processor()
class SpringBean implements JobRunner {
  async run(context: JobContext<{ shop: string }>) {
    return context.job.getParam('shop');
  }
}

const failureOf = (promise: Promise<unknown>): Promise<LtsError> =>
  promise.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => (LtsError.is(error) ? error : Promise.reject(error)),
  );
// biome-ignore lint/suspicious/noExplicitAny: calls that the compiler would refuse.
type Loose = any;

describe('what is sent', () => {
  it('for a method: its processor id, the params as they were written, the options', async () => {
    const { client, sent } = playedClient();
    const due = new Date('2026-01-01');
    const job = await client.submit(Orders, 'sync', { shop: '1', due }, { taskId: 'cart-7', delay: '5s' });
    expect(sent).toEqual([
      {
        processor: 'orders.sync',
        params: { shop: '1', due },
        ...{ taskId: 'cart-7', delay: '5s', nodeGroup: 'shops', priority: 7, maxRetryTimes: 5 },
      },
    ]);
    expect([job.jobId, job.taskId, job.code, job.success]).toEqual(['J1', 'cart-7', 'accepted', true]);
  });

  it('for a class with run, and for a contract', async () => {
    const { client, sent } = playedClient();
    await client.submit(SpringBean, { shop: '1' });
    await client.submit(mail, { to: 'a' }, { nodeGroup: 'b' });
    expect(sent).toEqual([
      { processor: 'springBean', params: { shop: '1' } },
      { processor: 'mail.send', params: { to: 'a' }, nodeGroup: 'b', timeout: '1s' },
    ]);
  });

  it('a contract that a class implements goes to the group of the class, by itself to the default group', async () => {
    const { client, sent } = playedClient();
    await client.submit(Orders, 'send', { to: 'a' });
    await client.submit(mail, { to: 'a' });
    expect(sent.map(({ nodeGroup, processor }) => [nodeGroup, processor])).toEqual([
      ['shops', 'mail.send'],
      [undefined, 'mail.send'],
    ]);
  });

  it('params that are a text are no method of a class with run', async () => {
    @Processor('texts')
    class Texts {
      run(_context: JobContext<string>) {}
    }
    const { client, sent } = playedClient();
    await client.submit(Texts, 'sync');
    expect(sent).toEqual([{ processor: 'texts', params: 'sync' }]);
  });

  it('neither signal nor waitTimeout become part of the job', async () => {
    const { client, sent } = playedClient();
    const { signal } = new AbortController();
    await client.submitAndWait(mail, { to: 'a' }, { signal, waitTimeout: '1m' });
    expect(Object.keys(sent[0] as object).sort()).toEqual(['params', 'processor', 'timeout']);
  });
});

describe('defaults', () => {
  it('an option wins over the handler, the handler over the class; undefined says nothing', async () => {
    const { client, sent } = playedClient();
    await client.submit(Orders, 'sync', { shop: '1' }, { maxRetryTimes: 0, nodeGroup: 'x', priority: undefined });
    await client.submit(Orders, 'plain', { n: 1 });
    expect(sent).toMatchObject([
      { maxRetryTimes: 0, nodeGroup: 'x', priority: 7 },
      { maxRetryTimes: 3, nodeGroup: 'shops', priority: 7 },
    ]);
  });

  const daily = defineJob('daily', { cron: '0 0 * * *', timeZone: 'UTC', misfire: 'skip' });
  const often = defineJob('often', { repeat: { interval: '1s', count: 3 } });
  it.each([
    [daily, {}, { cron: '0 0 * * *', timeZone: 'UTC', misfire: 'skip' }],
    [daily, { timeZone: 'Asia/Tokyo' }, { cron: '0 0 * * *', timeZone: 'Asia/Tokyo', misfire: 'skip' }],
    [daily, { cron: '1 1 * * *' }, { cron: '1 1 * * *', timeZone: 'UTC', misfire: 'skip' }],
    [daily, { delay: '1s' }, { delay: '1s', misfire: 'skip' }],
    [daily, { triggerTime: 5 }, { triggerTime: 5, misfire: 'skip' }],
    [daily, { fixedDelay: '1s' }, { fixedDelay: '1s', misfire: 'skip' }],
    [often, { triggerTime: 5 }, { triggerTime: 5, repeat: { interval: '1s', count: 3 } }],
    [often, { delay: 5 }, { delay: 5 }],
  ])('a job that says when it runs is not run by its contract as well: %#', async (contract, options, expected) => {
    const { client, sent } = playedClient();
    await client.submit(contract, {}, options);
    expect(sent).toEqual([{ processor: contract.processor, params: {}, ...expected }]);
  });

  it('a contract is not changed by its submits', async () => {
    const { client } = playedClient();
    await client.submit(mail, { to: 'a' }, { timeout: '9s', cron: '* * * * *' });
    expect(mail.defaults).toEqual({ timeout: '1s' });
  });
});

describe('every answer', () => {
  it.each<[SubmitOutcome['code'], string]>([
    ['rejected', 'LTS_JOB_INVALID'],
    ['busy', 'LTS_BUSY'],
    ['no-tracker', 'LTS_NO_TRACKER'],
    ['unknown', 'LTS_TIMEOUT'],
  ])('%s throws %s, naming the job', async (code, errorCode) => {
    const { client } = playedClient({ answer: () => ({ code, msg: 'this is why.' }) });
    const error = await failureOf(client.submit(Orders, 'plain', { n: 1 }, { taskId: 'T' }));
    expect(error.code).toBe(errorCode);
    expect(error.message).toBe(
      `Job orders.plain for shops with taskId T (jobId J1) was not submitted, ${code}: this is why.`,
    );
  });

  it.each([
    ['LTS_CRON_INVALID', 'LTS_CRON_INVALID'],
    ['LTS_PAYLOAD_TOO_LARGE', 'LTS_PAYLOAD_TOO_LARGE'],
    ['LTS_OF_A_LATER_RELEASE', 'LTS_JOB_INVALID'],
    ['toString', 'LTS_JOB_INVALID'],
  ])('rejected for %s throws %s', async (answered, thrown) => {
    const { client } = playedClient({ answer: () => ({ code: 'rejected', msg: 'why.', errorCode: answered }) });
    expect((await failureOf(client.submit(Orders, 'plain', { n: 1 }))).code).toBe(thrown);
  });

  it.each<[string, object]>([
    ['LTS_PARAMS_INVALID', { processor: 'typed', params: { n: 'x' } }],
    ['LTS_PAYLOAD_INVALID', { processor: 'typed', params: { n: 1n } }],
  ])('a Response says %s, too', async (errorCode, job) => {
    const contract = defineJob('typed', { params: z.object({ n: z.number() }) });
    const { client } = playedClient({ options: { contractOf: () => contract } });
    expect(await client.submitJob(job)).toMatchObject({ code: 'rejected', errorCode });
  });

  it.each<SubmitOutcome['code']>(['accepted', 'replaced', 'duplicate', 'stored-locally'])(
    '%s gives a handle',
    async (code) => {
      const { client, asked } = playedClient({ answer: () => ({ code, jobId: 'there' }) });
      const job = await client.submit(Orders, 'plain', { n: 1 });
      expect([job.code, job.jobId, job.success, job.msg]).toEqual([code, 'there', true, undefined]);
      await job.result({ timeout: '1s' });
      await job.cancel();
      await job.get();
      await job.explain();
      await job.log('cursor');
      for await (const _ of job.events()) throw new Error('no event was told');
      expect(asked.map(([kind, key]) => [kind, key])).toEqual([
        ['result', 'there'],
        ['CancelJob', { jobId: 'there' }],
        ['GetJob', { jobId: 'there' }],
        ['ExplainJob', { jobId: 'there' }],
        ['ReadLog', { jobId: 'there', cursor: 'cursor', limit: 500 }],
        ['events', 'there'],
      ]);
    },
  );

  it('a code of the future is an internal error, never a handle', async () => {
    const { client } = playedClient({ answer: () => ({ code: 'postponed' as 'busy' }) });
    expect((await failureOf(client.submit(mail, { to: 'a' }))).code).toBe('LTS_INTERNAL');
  });
});

describe('params that do not fit', () => {
  it('are refused before anything is sent, naming processor and path', async () => {
    const { client, sent } = playedClient();
    const error = await failureOf(client.submit(Orders, 'sync', { shop: 5 as Loose, due: 'soon' as Loose }));
    expect(error.code).toBe('LTS_PARAMS_INVALID');
    expect(error.message).toMatch(
      /^Job orders\.sync: the params do not fit SyncOrder: due: must be a date.*shop: must be a string/,
    );
    expect(error.cause).toHaveLength(2);
    expect(sent).toEqual([]);
  });

  it('left out are as {}', async () => {
    const { client, sent } = playedClient();
    await expect(client.submit(Orders, 'sync', undefined as Loose)).rejects.toThrow(/shop: must be a string/);
    await client.submit(defineJob('free', { params: z.object({}) }));
    expect(sent).toEqual([{ processor: 'free', params: undefined }]);
  });

  it('are checked as they arrive: what JSON cannot hold is refused', async () => {
    const { client } = playedClient();
    const cyclic: { to: string; self?: unknown } = { to: 'a' };
    cyclic.self = cyclic;
    const codes = [cyclic, { to: 'a', big: 1n }, { to: 'x'.repeat(300_000) }].map(async (params) => {
      return (await failureOf(client.submit(mail, params))).code;
    });
    expect(await Promise.all(codes)).toEqual(['LTS_PAYLOAD_INVALID', 'LTS_PAYLOAD_INVALID', 'LTS_PAYLOAD_TOO_LARGE']);
  });

  it('are not checked where there is no schema', async () => {
    const { client, sent } = playedClient();
    await client.submit(Orders, 'plain', { n: 'many' as Loose });
    expect(sent).toHaveLength(1);
  });
});

describe('targets that are none', () => {
  class Unmarked {
    run(_context: JobContext) {}
  }
  class Sub extends SpringBean {}
  it.each<[string, unknown[], RegExp]>([
    ['a text', ['orders.sync', {}], /"orders.sync" is neither a class with @Processor nor a contract/],
    ['nothing', [], /undefined is neither a class/],
    ['null', [null], /null is neither a class/],
    ['an object', [{ processor: 'x' }], /is neither a class/],
    ['a class without @Processor', [Unmarked, {}], /Unmarked is not marked @Processor/],
    ['a subclass without a mark of its own', [Sub, {}], /Sub is not marked @Processor/],
    [
      'an unknown method',
      [Orders, 'snyc', {}],
      /Orders has no method "snyc" marked @JobHandler\. Marked: sync, plain, send/,
    ],
    ['no method', [Orders, {}], /Orders has no run\(context\)\. Name one of its methods: 'sync', 'plain', 'send'/],
  ])('%s: refused in so many words', async (_name, list, message) => {
    const { client, sent } = playedClient();
    const error = await failureOf((client.submit as Loose)(...list));
    expect(error.code).toBe('LTS_PROCESSOR_INVALID');
    expect(error.message).toMatch(message);
    const [handle] = await (client.submitAll as Loose)([list]);
    expect([handle.code, handle.success, handle.msg]).toEqual(['rejected', false, error.message]);
    await expect((client.submitAndWait as Loose)(...list)).rejects.toMatchObject({ code: 'LTS_PROCESSOR_INVALID' });
    expect(sent).toEqual([]);
  });

  it('options that are no object are refused, naming the job', async () => {
    const { client } = playedClient();
    const error = await failureOf((client.submit as Loose)(mail, { to: 'a' }, 'soon'));
    expect([error.code, error.message]).toEqual(['LTS_JOB_INVALID', 'Job mail.send: options: "soon" is no object.']);
  });
});

describe('submitAll', () => {
  it('one failure spoils nothing, and handles come in the order of the items', async () => {
    const { client, sent } = playedClient({
      answer: ({ taskId }) => (taskId === 'b' ? { code: 'busy', msg: 'full' } : {}),
    });
    const slow = z.object({ to: z.string().refine(() => new Promise((resolve) => setImmediate(resolve, true))) });
    const jobs = await client.submitAll([
      [defineJob('slow', { params: slow }), { to: 'a' }],
      [Orders, 'sync', { shop: '1' }, { taskId: 'b' }],
      [Orders, 'sync', { shop: 1 as Loose }],
      [SpringBean, { shop: '4' }],
    ]);
    expect(jobs.map(({ code }) => code)).toEqual(['accepted', 'busy', 'rejected', 'accepted']);
    expect(sent.map(({ processor }) => processor)).toEqual(['slow', 'orders.sync', 'springBean']);
    const [, busy, unfit] = jobs;
    expect(unfit.msg).toMatch(/shop: must be a string/);
    expect(unfit.jobId).toBe('');
    for (const method of ['result', 'cancel', 'get', 'explain', 'log'] as const) {
      await expect(busy[method]()).rejects.toMatchObject({ code: 'LTS_BUSY' });
      await expect(unfit[method]()).rejects.toMatchObject({ code: 'LTS_PARAMS_INVALID' });
    }
    expect(() => busy.events()).toThrow(/full/);
  });

  it('of nothing is nothing; an item that is no list is refused as such', async () => {
    const { client } = playedClient();
    expect(await client.submitAll([])).toEqual([]);
    const [handle] = await (client.submitAll as Loose)([mail]);
    expect(handle.msg).toMatch(/no list of arguments/);
  });
});

describe('giving up', () => {
  const abort = AbortSignal.abort();

  it('before: nothing is sent', async () => {
    const { client, sent } = playedClient();
    const error = await failureOf(client.submit(mail, { to: 'a' }, { signal: abort }));
    expect([error.code, error.message]).toEqual([
      'LTS_ABORTED',
      'Job mail.send: The caller gave up before the submit; nothing was sent.',
    ]);
    expect(sent).toEqual([]);
  });

  it.each<[string, (abort: () => void) => unknown]>([
    ['at once', (abort) => abort()],
    ['two turns later', (abort) => setImmediate(() => setImmediate(abort))],
  ])('while the params are checked, %s: nothing is sent, and nobody waits on', async (_when, plan) => {
    const controller = new AbortController();
    const never = z.string().refine(() => new Promise(() => undefined));
    const { client, sent } = playedClient({ options: { submitWithinMs: 3_600_000 } });
    const submitted = client.submit(defineJob('never', { params: never }), 'a', { signal: controller.signal });
    plan(() => controller.abort());
    expect((await failureOf(submitted)).message).toMatch(/gave up while the params were checked; nothing was sent/);
    expect(sent).toEqual([]);
  });

  it('while the answer is awaited: it may have been accepted', async () => {
    const controller = new AbortController();
    const answer = () => {
      controller.abort();
      return { code: 'unknown', msg: 'The caller gave up.' } as const;
    };
    const { client, sent } = playedClient({ answer });
    expect((await failureOf(client.submit(mail, { to: 'a' }, { signal: controller.signal }))).code).toBe('LTS_ABORTED');
    expect(sent).toHaveLength(1);
  });

  it('afterwards: nothing comes of it, and nobody listens to the signal any more', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...words: Loose) => {
      listeners++;
      addEventListener.apply(signal, words);
    };
    signal.removeEventListener = (...words: Loose) => {
      listeners--;
      removeEventListener.apply(signal, words);
    };
    const slow = z.string().refine(() => new Promise((resolve) => setImmediate(() => setImmediate(resolve, true))));
    const { client } = playedClient();
    const job = await client.submit(defineJob('slow', { params: slow }), 'a', { signal });
    controller.abort();
    expect([job.code, listeners]).toEqual(['accepted', 0]);
  });
});

describe('rules of params that wait for the world', () => {
  function ruledBy(validate: () => Promise<boolean>) {
    class Ruled {
      anything?: unknown;
    }
    registerDecorator({ target: Ruled, propertyName: 'anything', validator: { validate } });
    return defineJob('ruled', { params: Ruled });
  }

  it('are given the time of a submit, then nothing is sent', async () => {
    const { client, sent } = playedClient({ options: { submitWithinMs: 1 } });
    const error = await failureOf(client.submit(ruledBy(() => new Promise(() => undefined))));
    expect([error.code, error.message]).toEqual([
      'LTS_TIMEOUT',
      'Job ruled: The rules of the params did not settle within 1 ms; nothing was sent.',
    ]);
    expect(sent).toEqual([]);
  });

  it('that fail are told as the fault of the class', async () => {
    const { client } = playedClient();
    const error = await failureOf(client.submit(ruledBy(() => Promise.reject(new Error('no database')))));
    expect(error.code).toBe('LTS_PROCESSOR_INVALID');
    expect(error.message).toMatch(/^Job ruled: .*rules of Ruled threw: no database/);
  });

  it('that fail after the time was over trouble nobody', async () => {
    let fail = () => {};
    const late = () => new Promise<boolean>((_resolve, reject) => (fail = () => reject(new Error('late'))));
    const { client } = playedClient({ options: { submitWithinMs: 1 } });
    expect((await failureOf(client.submit(ruledBy(late)))).code).toBe('LTS_TIMEOUT');
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    fail();
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });
});

describe('submitAndWait', () => {
  it('waits for 5 minutes unless told otherwise, with the signal of the submit', async () => {
    const { client, asked } = playedClient();
    const { signal } = new AbortController();
    await client.submitAndWait(Orders, 'plain', { n: 1 });
    await client.submitAndWait(mail, { to: 'a' }, { waitTimeout: '1s', timeout: '1h', signal });
    expect(asked).toEqual([
      ['result', 'J1', { timeout: 300_000, signal: undefined }],
      ['result', 'J2', { timeout: 1_000, signal }],
    ]);
  });

  it('a waitTimeout that is none is found before anything is sent', async () => {
    const { client, sent } = playedClient();
    const error = await failureOf(client.submitAndWait(mail, { to: 'a' }, { waitTimeout: 'soon' }));
    expect([error.code, sent]).toEqual(['LTS_DURATION_INVALID', []]);
    expect(error.message).toMatch(/^waitTimeout: "soon"/);
  });
});

describe('untyped jobs of processors that are known here', () => {
  const contractOf = (processor: string) => (processor === 'mail.send' ? mail : undefined);

  it('get defaults and are checked; the others pass as they are', async () => {
    const { client, sent } = playedClient({ options: { contractOf } });
    const other = { processor: 'other', params: { to: 5 } };
    const responses = await client.submitJob([
      { processor: 'mail.send', params: { to: 'a' } },
      { processor: 'mail.send', params: { to: 5 }, jobId: 'X' },
      other,
    ]);
    expect(responses.map(({ code }) => code)).toEqual(['accepted', 'rejected', 'accepted']);
    expect(sent).toEqual([{ processor: 'mail.send', params: { to: 'a' }, timeout: '1s' }, other]);
    expect(sent[1]).toBe(other);
    expect(responses[1]).toMatchObject({ jobId: 'X', success: false, failedJobs: [{ params: { to: 5 } }] });
    expect(responses[1]?.msg).toMatch(/^Job mail\.send: the params do not fit their zod schema: to: /);
  });

  it('one job has one response, and its signal is heard', async () => {
    const { client } = playedClient({ options: { contractOf } });
    expect(await client.submitJob({ processor: 'mail.send', params: { to: 'a' } })).toMatchObject({ code: 'accepted' });
    const given = { processor: 'mail.send', params: { to: 'a' } };
    expect((await client.submitJob(given, { signal: AbortSignal.abort() })).msg).toMatch(/gave up/);
  });
});

describe('one bad job of many', () => {
  const misbehaving = (answer: unknown) =>
    defineJob('bad', { params: { '~standard': { version: 1, vendor: 'hand', validate: () => answer } } as Loose });

  it.each([undefined, null, { issues: 7 }, { issues: [null] }, { issues: [{ message: Symbol('s') }] }])(
    'a schema that answered %j threw raw at its neighbours as well',
    async (answer) => {
      const { client, sent } = playedClient();
      const handles = await (client.submitAll as Loose)([
        [mail, { to: 'a' }],
        [misbehaving(answer), {}],
        [mail, { to: 'b' }],
      ]);
      expect(handles.map(({ code }: Loose) => code)).toEqual(['accepted', 'rejected', 'accepted']);
      expect(handles[1].msg).toMatch(/^Job bad: /);
      expect(sent).toHaveLength(2);
    },
  );
});

it.each([{}, 'abort'])('a signal that is none, %j, was a TypeError after the job was added', async (signal) => {
  const { client, sent } = playedClient();
  const error = await failureOf(client.submit(mail, { to: 'a' }, { signal: signal as Loose }));
  expect([error.code, error.message]).toEqual(['LTS_JOB_INVALID', expect.stringContaining('is no AbortSignal')]);
  expect(sent).toEqual([]);
});

it('a signal that aborts between the check and the sending: nothing was sent, and the code says who gave up', async () => {
  const controller = new AbortController();
  const answer = () => {
    controller.abort();
    return { code: 'rejected', msg: 'aborted before it was sent' } as const;
  };
  const { client } = playedClient({ answer });
  expect((await failureOf(client.submit(mail, { to: 'a' }, { signal: controller.signal }))).code).toBe('LTS_ABORTED');
});

it('a handle could not be written as JSON', async () => {
  const { client } = playedClient();
  const handle = await client.submit(mail, { to: 'a' }, { taskId: 'cart-7' });
  expect(JSON.parse(JSON.stringify({ handle }))).toEqual({
    handle: { jobId: 'J1', taskId: 'cart-7', code: 'accepted' },
  });
});

it('a client that does not run says so in every form', async () => {
  const { JobClient } = await import('../../../src/index.js');
  const client = new JobClient();
  const calls = [
    client.submit(mail, { to: 'a' }),
    client.submitAndWait(mail, { to: 'a' }),
    client.submitAll([[mail, { to: 'a' }]]),
    client.submitJob({}),
    client.submitDrafts([{ job: {} }]),
  ];
  for (const call of calls) expect((await failureOf(call)).code).toBe('LTS_NOT_STARTED');
});
