/** Every answer of a submit with the cause that brings it; each within its deadline. */
import { describe, expect, it } from 'vitest';
import { LtsError } from '../../src/errors.js';
import type { Message } from '../../src/ports/transport.js';
import type { SubmittedJob } from '../../src/protocol/messages.js';
import { type ClientOptions, TestCluster } from '../helpers/start-cluster.js';

/** A client alone; `answer` plays the tracker. */
async function aClient(options: ClientOptions = {}, answer?: (jobs: readonly SubmittedJob[]) => unknown) {
  const cluster = new TestCluster();
  const received: string[] = [];
  const listen = (reply: (jobs: readonly SubmittedJob[]) => unknown) => {
    const transport = cluster.network.transport();
    return transport.subscribe('lts.test.tracker', async ({ kind, body }: Message) => {
      if (kind !== 'SubmitJobs') throw new LtsError('LTS_JOB_NOT_FOUND', `${kind}: none`);
      const { jobs } = body as { jobs: readonly SubmittedJob[] };
      received.push(...jobs.map(({ jobId }) => jobId));
      return reply(jobs);
    });
  };
  if (answer) listen(answer);
  cluster.client = await cluster.startClient(options);
  const { role, failStore } = cluster.client;
  const submit = (job: Parameters<typeof role.submit>[0], options?: Parameters<typeof role.submit>[1]) =>
    cluster.until(role.submit(job, options));
  return { cluster, role, failStore, submit, received, listen };
}

const all = (code: string, msg?: string) => (jobs: readonly SubmittedJob[]) => ({
  answers: jobs.map(({ jobId }) => ({ code, jobId, msg })),
});
const silence = () => new Promise(() => undefined);

it('what another client of the same FailStore has sent holds nothing back any more', async () => {
  const { cluster, submit, failStore, listen } = await aClient();
  expect((await submit({ jobId: 'J1', taskId: 'T' })).code).toBe('stored-locally');
  const other = await cluster.startClient({ failStore });
  listen(all('accepted'));
  await cluster.advance(6_000);
  expect(await failStore.count('submissions')).toBe(0);
  for (const client of [cluster.client, other])
    expect((await cluster.until(client.role.submit({ taskId: 'T' }))).code).toBe('accepted');
});

describe('the codes', () => {
  it.each(['accepted', 'duplicate', 'replaced', 'rejected', 'busy'])('%s: as the tracker answers', async (code) => {
    const { submit } = await aClient({}, all(code, 'why'));
    expect(await submit({ jobId: 'J1' })).toEqual({ code, jobId: 'J1', msg: 'why' });
  });

  it('rejected: a job that is wrong in itself is not sent at all', async () => {
    const { submit, received } = await aClient({}, all('accepted'));
    expect(await submit({ jobId: 'J1', priority: 1.5 })).toEqual({
      code: 'rejected',
      jobId: 'J1',
      msg: 'priority: 1.5 must be a whole number from -1000000000 to 1000000000.',
      errorCode: 'LTS_JOB_INVALID',
    });
    expect(received).toEqual([]);
  });

  it('rejected: the exact code comes from the client, or from the tracker', async () => {
    const { submit } = await aClient({}, (jobs) => ({
      answers: jobs.map(({ jobId }) => ({ code: 'rejected', jobId, msg: 'why', errorCode: 'LTS_CRON_INVALID' })),
    }));
    expect((await submit({ delay: 'soon' })).errorCode).toBe('LTS_DURATION_INVALID');
    expect((await submit({ cron: '0 0 0 * * ?', timeZone: 'Mars/Base' })).errorCode).toBe('LTS_CRON_INVALID');
    expect((await submit({ cron: '0 0 0 * * ?' })).errorCode).toBe('LTS_CRON_INVALID');
  });

  it('stored-locally: nobody is there, or nobody answers in time', async () => {
    const alone = await aClient();
    const outcome = await alone.submit({ jobId: 'J1' });
    const msg = expect.stringMatching(/^Kept, and sent later: .*nobody subscribes there/);
    expect(outcome).toEqual({ code: 'stored-locally', jobId: 'J1', msg });
    expect(await alone.failStore.count('submissions')).toBe(1);
    const ignored = await aClient({}, silence);
    expect(await ignored.submit({})).toMatchObject({
      code: 'stored-locally',
      msg: expect.stringMatching(/no answer within/),
    });
    expect(ignored.cluster.time.nowMs).toBe(5_000);
  });

  it.each(['LTS_NOT_PERMITTED', 'LTS_PAYLOAD_TOO_LARGE', 'LTS_PAYLOAD_INVALID'] as const)(
    'rejected: %s, which another try would meet again; nothing is kept',
    async (errorCode) => {
      const { submit, failStore } = await aClient({}, () => {
        throw new LtsError(errorCode, 'why');
      });
      expect(await submit({ jobId: 'J1' })).toEqual({ code: 'rejected', jobId: 'J1', msg: 'why', errorCode });
      expect(await failStore.count('submissions')).toBe(0);
    },
  );

  it('rejected: one that is too large harms none of those that went with it', async () => {
    const { role, cluster, failStore } = await aClient({}, (jobs) => {
      if (jobs.some(({ jobId }) => jobId === 'J2')) throw new LtsError('LTS_PAYLOAD_TOO_LARGE', 'too large');
      return all('accepted')(jobs);
    });
    const submits = ['J1', 'J2', 'J3'].map((jobId) => role.submit({ jobId }));
    const codes = (await cluster.until(Promise.all(submits))).map(({ code }) => code);
    expect(codes).toEqual(['accepted', 'rejected', 'accepted']);
    expect(await failStore.count('submissions')).toBe(0);
  });

  it('unknown: an answer that says nothing of the job; that is said, and nothing is kept', async () => {
    const { submit, failStore } = await aClient({}, () => {
      throw new LtsError('LTS_MESSAGE_INVALID', 'its version is 2');
    });
    expect(await submit({ jobId: 'J1' })).toEqual({ code: 'unknown', jobId: 'J1', msg: 'its version is 2' });
    expect(await failStore.count('submissions')).toBe(0);
  });

  it('no-tracker: the same without the retry client', async () => {
    const { submit, failStore } = await aClient({ useRetryClient: false });
    expect(await submit({ jobId: 'J1' })).toMatchObject({ code: 'no-tracker', jobId: 'J1' });
    expect(await failStore.count('submissions')).toBe(0);
  });

  it('unknown: no answer in time without the retry client; it may have been accepted', async () => {
    const { submit, cluster } = await aClient({ useRetryClient: false, submitWithinMs: 2_000 }, silence);
    expect(await submit({ jobId: 'J1' })).toMatchObject({ code: 'unknown', jobId: 'J1' });
    expect(cluster.time.nowMs).toBe(2_000);
  });

  it('unknown: the caller gave up while it was under way', async () => {
    const { role, cluster } = await aClient({}, silence);
    const controller = new AbortController();
    const underWay = role.submit({ jobId: 'J2' }, { signal: controller.signal });
    await cluster.advance(1_000);
    controller.abort();
    const msg = 'The caller gave up; it may have been accepted. Submit again with the same jobId to find out.';
    expect(await cluster.until(underWay)).toEqual({ code: 'unknown', jobId: 'J2', msg });
    expect(cluster.time.nowMs).toBeLessThan(1_100);
  });

  it('rejected: a signal that had aborted was answered unknown, and its job ran', async () => {
    const { submit, received, cluster } = await aClient({}, all('accepted'));
    const msg = 'aborted before it was sent';
    const signal = AbortSignal.abort();
    expect(await submit({ jobId: 'J1' }, { signal })).toEqual({ code: 'rejected', jobId: 'J1', msg });
    await cluster.advance(1_000);
    expect(received).toEqual([]);
  });

  it.each([{}, 7, 'abort', { aborted: false }])(
    'rejected: for the signal %j a TypeError came after the job was sent',
    async (signal) => {
      const { submit, received, cluster } = await aClient({}, all('accepted'));
      const outcome = await submit({ jobId: 'J1' }, { signal: signal as never });
      expect(outcome).toMatchObject({ code: 'rejected', msg: expect.stringMatching(/^signal: .* is no AbortSignal/) });
      await cluster.advance(1_000);
      expect(received).toEqual([]);
    },
  );

  it.each<[string, () => object, string]>([
    [
      'a getter that throws',
      () => ({
        jobId: 'J2',
        get params() {
          throw new Error('no luck');
        },
      }),
      'J2',
    ],
    [
      'a revoked Proxy',
      () => {
        const { proxy, revoke } = Proxy.revocable({}, {});
        revoke();
        return proxy;
      },
      '',
    ],
  ])('rejected: %s threw at all of its list', async (_what, bad, jobId) => {
    const { role, cluster, received } = await aClient({}, all('accepted'));
    const jobs = [{ jobId: 'J1' }, bad(), { jobId: 'J3' }];
    const outcomes = await cluster.until(Promise.all(jobs.map((job) => role.submit(job))));
    expect(outcomes[1]).toEqual({ code: 'rejected', jobId, msg: expect.stringContaining('The job cannot be read: ') });
    expect(received).toEqual(['J1', 'J3']);
  });

  it('unknown: the FailStore is full', async () => {
    const { MemoryFailStore } = await import('../../src/adapters/memory/memory-fail-store.js');
    const { submit } = await aClient({ failStore: new MemoryFailStore({ entriesMax: 1 }) });
    expect((await submit({})).code).toBe('stored-locally');
    const second = await submit({});
    expect(second.code).toBe('unknown');
    expect(second.msg).toContain('The FailStore topic submissions would hold 2 entries');
  });

  it('busy: the tracker refuses the whole batch, or too many submissions wait already', async () => {
    const { submit } = await aClient({}, () => {
      throw new LtsError('LTS_BUSY', 'The store is full. Try again in a second.');
    });
    expect(await submit({ jobId: 'J1' })).toEqual({
      code: 'busy',
      jobId: 'J1',
      msg: 'The store is full. Try again in a second.',
    });
  });
});

describe('batches', () => {
  it('submissions of one turn share a request, and each caller gets its own answer', async () => {
    let requests = 0;
    const { cluster, role } = await aClient({}, (jobs) => {
      requests++;
      return { answers: jobs.map(({ jobId }, i) => ({ code: i % 2 ? 'duplicate' : 'accepted', jobId })) };
    });
    const outcomes = await cluster.until(Promise.all(Array.from({ length: 500 }, () => role.submit({}))));
    expect(requests).toBe(1);
    expect(new Set(outcomes.map(({ jobId }) => jobId)).size).toBe(500);
    expect(outcomes.map(({ code }) => code).slice(0, 2)).toEqual(['accepted', 'duplicate']);
  });

  it('a batch stays below the size of a message', async () => {
    const sizes: number[] = [];
    const { cluster, role } = await aClient({}, (jobs) => {
      sizes.push(JSON.stringify(jobs).length);
      return all('accepted')(jobs);
    });
    const params = { text: 'x'.repeat(200_000) };
    await cluster.until(Promise.all(Array.from({ length: 10 }, () => role.submit({ params }))));
    expect(sizes.length).toBeGreaterThan(4);
    expect(Math.max(...sizes)).toBeLessThan(512 * 1024);
  });
});

describe('what the FailStore keeps', () => {
  it('is sent in order when a tracker is back, within seconds', async () => {
    const { cluster, submit, listen, received, failStore } = await aClient();
    for (const jobId of ['J1', 'J2', 'J3']) await submit({ jobId });
    listen(all('accepted'));
    await cluster.advance(5_100);
    expect(received).toEqual(['J1', 'J2', 'J3']);
    expect(await failStore.count('submissions')).toBe(0);
  });

  it('later submissions of the same key queue behind it, those of other keys pass', async () => {
    const { submit, listen, received, cluster } = await aClient();
    await submit({ jobId: 'J1', taskId: 'a' });
    listen(all('accepted'));
    const second = await submit({ jobId: 'J2', taskId: 'a', replaceOnExist: true });
    expect(second).toMatchObject({
      code: 'stored-locally',
      msg: expect.stringMatching(/earlier submission of its key/),
    });
    expect((await submit({ jobId: 'J3', taskId: 'b' })).code).toBe('accepted');
    expect((await submit({ jobId: 'J4', taskId: 'a', nodeGroup: 'other' })).code).toBe('accepted');
    await cluster.advance(5_100);
    expect(received).toEqual(['J3', 'J4', 'J1', 'J2']);
    expect((await submit({ jobId: 'J5', taskId: 'a' })).code).toBe('accepted');
  });

  it('the same jobId kept twice is one submission, after which its key is free', async () => {
    const { submit, listen, cluster } = await aClient();
    for (let i = 0; i < 2; i++) await submit({ jobId: 'J1', taskId: 'a' });
    listen(all('accepted'));
    await cluster.advance(5_100);
    expect((await submit({ jobId: 'J2', taskId: 'a' })).code).toBe('accepted');
  });

  it('what the tracker rejects is set aside with the reason and frees its key', async () => {
    const { submit, listen, cluster, failStore } = await aClient();
    await submit({ jobId: 'J1', taskId: 'a' });
    listen(all('rejected', 'Job J1 exists.'));
    await cluster.advance(5_100);
    expect(await failStore.quarantined('submissions')).toMatchObject([{ key: 'J1', reason: 'Job J1 exists.' }]);
    expect((await submit({ taskId: 'a' })).code).toBe('rejected');
  });

  it('a busy tracker is asked again later; nothing is lost', async () => {
    const { submit, listen, cluster, failStore } = await aClient();
    await submit({ jobId: 'J1' });
    let rounds = 0;
    listen((jobs) => all(rounds++ === 0 ? 'busy' : 'accepted')(jobs));
    await cluster.advance(5_100);
    expect(await failStore.count('submissions')).toBe(1);
    await cluster.advance(5_100);
    expect([rounds, await failStore.count('submissions')]).toEqual([2, 0]);
  });

  it('what an earlier process left goes before anything new of its key', async () => {
    const first = await aClient();
    await first.submit({ jobId: 'J1', taskId: 'a' });
    const next = await aClient({ failStore: first.failStore }, all('accepted'));
    expect((await next.submit({ jobId: 'J2', taskId: 'a' })).code).toBe('stored-locally');
    await next.cluster.advance(5_100);
    expect(next.received).toEqual(['J1', 'J2']);
  });

  it('a cancel of its key sends it first; without a tracker the cancel is refused', async () => {
    const { submit, role, cluster, listen, received } = await aClient();
    await submit({ jobId: 'J1', taskId: 'a' });
    const cancel = () =>
      cluster.until(role.ask('CancelJob', { taskId: 'a', nodeGroup: 'lts' }).catch((error: unknown) => error));
    const refused = await cancel();
    expect(LtsError.is(refused, 'LTS_NO_TRACKER')).toBe(true);
    expect((refused as Error).message).toBe(
      'The submission of lts/a still waits in the FailStore; no JobTracker answers. Try again later.',
    );
    listen(all('accepted'));
    await cancel();
    expect(received).toEqual(['J1']);
  });
});

describe('a stop', () => {
  const stopWithin = async ({ cluster, role }: Awaited<ReturnType<typeof aClient>>, ms: number) => {
    const before = cluster.time.nowMs;
    await cluster.until(role.stop(ms));
    return cluster.time.nowMs - before;
  };

  it('with a submit under way took until the deadline of that, not until its own', async () => {
    const client = await aClient({}, silence);
    const underWay = client.role.submit({ jobId: 'J1' });
    await client.cluster.advance(100);
    expect(await stopWithin(client, 1_000)).toBeLessThanOrEqual(1_000);
    expect(await client.cluster.until(underWay)).toMatchObject({ code: 'stored-locally', jobId: 'J1' });
    expect((await client.failStore.peek('submissions', 10)).map(({ key }) => key)).toEqual(['J1']);
  });

  it('ends thousands that wait for their turn: each is kept, or says whether it may have been accepted', async () => {
    const keeping = await aClient({}, silence);
    const kept = Array.from({ length: 9_000 }, () => keeping.role.submit({}));
    await keeping.cluster.advance(100);
    expect(await stopWithin(keeping, 1_000)).toBeLessThanOrEqual(1_000);
    expect(new Set((await Promise.all(kept)).map(({ code }) => code))).toEqual(new Set(['stored-locally']));
    expect(await keeping.failStore.count('submissions')).toBe(9_000);

    const plain = await aClient({ useRetryClient: false }, silence);
    const ended = Array.from({ length: 9_000 }, () => plain.role.submit({}));
    await plain.cluster.advance(100);
    expect(await stopWithin(plain, 1_000)).toBeLessThanOrEqual(1_000);
    const sent = new Set(plain.received);
    expect(sent.size).toBeGreaterThan(0);
    for (const { code, jobId } of await Promise.all(ended))
      expect(code).toBe(sent.has(jobId) ? 'unknown' : 'no-tracker');
  });

  it('gives what is under way its answer while there is time', async () => {
    const client = await aClient({}, async (jobs) => {
      await client.cluster.clock.sleep(3_000);
      return all('accepted')(jobs);
    });
    const underWay = client.role.submit({ jobId: 'J1' });
    expect(await stopWithin(client, 10_000)).toBeLessThan(3_100);
    expect((await underWay).code).toBe('accepted');
  });

  it('does not wait for the answer to what was kept before and is sent again', async () => {
    const client = await aClient();
    await client.submit({ jobId: 'J1' });
    client.listen(silence);
    await client.cluster.advance(5_100);
    expect(client.received).toEqual(['J1']);
    expect(await stopWithin(client, 1_000)).toBeLessThanOrEqual(1_000);
    expect(await client.failStore.count('submissions')).toBe(1);
  });
});

describe('what the log tells while nobody answers', () => {
  it('what becomes of submits and what to do, once; and when it is over', async () => {
    const { cluster, submit, listen } = await aClient();
    for (let n = 0; n < 20; n++) await submit({});
    listen(all('accepted'));
    await cluster.advance(6_000);
    expect(cluster.log.map(({ level, text }) => `${level} ${text}`)).toEqual([
      'warn No JobTracker takes submits (The request to lts.test.tracker has no responders: nobody subscribes there): they are kept in the FailStore (stored-locally) and sent as soon as one does. Start a JobTracker, or see why it cannot',
      'info a JobTracker takes submits again',
    ]);
  });

  it('without the retry client, that they are refused', async () => {
    const { cluster, submit } = await aClient({ useRetryClient: false });
    for (let n = 0; n < 3; n++) await submit({});
    expect(cluster.log.map(({ text }) => text)).toEqual([
      expect.stringMatching(/they are answered no-tracker or unknown/),
    ]);
  });

  it('nothing while the client itself is cut off, which its transport tells, and nothing of a busy tracker', async () => {
    const cut = await aClient({}, all('accepted'));
    cut.cluster.cutAll(true);
    expect((await cut.submit({})).code).toBe('stored-locally');
    const busy = await aClient({}, () => {
      throw new LtsError('LTS_BUSY', 'The store is full. Try again in a second.');
    });
    await busy.submit({});
    expect([...cut.cluster.log, ...busy.cluster.log]).toEqual([]);
  });
});

it('before start and after stop every call says so', async () => {
  const { role, cluster } = await aClient({}, all('accepted'));
  await cluster.until(role.stop());
  expect(() => role.submit({})).toThrow('The JobClient is not running. Call start() first and await it.');
  await expect(role.ask('CountJobs', {})).rejects.toMatchObject({ code: 'LTS_NOT_STARTED' });
});
