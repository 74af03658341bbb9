/** From the job a user wrote to the submission: defaults, forms of time, and what excludes what. */
import { describe, expect, it } from 'vitest';
import { JsonCodec } from '../../src/adapters/json/json-codec.js';
import { MemoryFailStore } from '../../src/adapters/memory/memory-fail-store.js';
import { MemoryNetwork } from '../../src/adapters/memory/memory-transport.js';
import { LtsError } from '../../src/errors.js';
import type { Job } from '../../src/job/job.js';
import type { ClientParts } from '../../src/job-client/client-ports.js';
import { prepare } from '../../src/job-client/prepare.js';
import { subjectsOf } from '../../src/protocol/subjects.js';
import { SeededChance, SeededIds, VirtualClock } from '../../src/testing/index.js';

const clock = new VirtualClock();
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const parts = (onComplete?: () => void): ClientParts => ({
  ports: {
    transport: new MemoryNetwork(clock).transport(),
    failStore: new MemoryFailStore(),
    codec: new JsonCodec(),
    clock,
    ids: new SeededIds(clock, new SeededChance(1)),
    log: silent,
  },
  settings: {
    cluster: 'c',
    identity: 'me',
    nodeGroup: 'web',
    defaultNodeGroup: 'work',
    useRetryClient: true,
    submitWithinMs: 5_000,
    onComplete,
  },
  subjects: subjectsOf('c'),
});

const refusal = (job: Job): string => {
  try {
    prepare(job, parts());
    return 'taken';
  } catch (error) {
    if (!LtsError.is(error)) throw error;
    return `${error.code}: ${error.message}`;
  }
};

describe('fields', () => {
  it('an empty job has the defaults, and leaves the retry policy to the tracker', () => {
    const { jobId, ...job } = prepare({}, parts());
    expect(jobId).toMatch(/^[0-9A-Z]{26}$/);
    expect(job).toMatchObject({
      trigger: { kind: 'delay', delayMs: 0 },
      replaceOnExist: false,
      relyOnPrevCycle: true,
      misfire: 'fire-once',
    });
    expect(job.body).toMatchObject({
      nodeGroup: 'work',
      params: '{}',
      submitNodeGroup: 'web',
      priority: 100,
      lane: '',
      retry: {},
    });
    expect(job.body.needFeedback).toBe(false);
    expect(job.body.submittedAt).toBe(clock.wallMs());
  });

  it('feedback is asked for when the client has a handler, unless the job says otherwise', () => {
    const withHandler = parts(() => {});
    expect(prepare({}, withHandler).body.needFeedback).toBe(true);
    expect(prepare({ needFeedback: false }, withHandler).body.needFeedback).toBe(false);
    expect(prepare({ needFeedback: true }, parts()).body.needFeedback).toBe(true);
  });

  it('every field arrives, durations in ms', () => {
    const job = prepare(
      {
        jobId: 'J1',
        taskId: 'T',
        nodeGroup: 'g',
        processor: 'p',
        params: { a: [1] },
        submitNodeGroup: 's',
        priority: 1,
        lane: 'l',
        maxRetryTimes: 2,
        retryInterval: '3s',
        backoff: 'exponential',
        retryIntervalMax: '1h',
        timeout: '4m',
        expireAt: new Date(9),
        leaseLost: 'continue',
        replaceOnExist: true,
        relyOnPrevCycle: false,
        misfire: 'skip',
      },
      parts(),
    );
    expect(job).toMatchObject({ jobId: 'J1', replaceOnExist: true, relyOnPrevCycle: false, misfire: 'skip' });
    expect(job.body).toMatchObject({
      taskId: 'T',
      nodeGroup: 'g',
      processor: 'p',
      params: '{"a":[1]}',
      submitNodeGroup: 's',
    });
    expect(job.body).toMatchObject({ priority: 1, lane: 'l', timeoutMs: 240_000, expireAt: 9, leaseLost: 'continue' });
    expect(job.body.retry).toEqual({
      maxRetryTimes: 2,
      intervalMs: 3_000,
      backoff: 'exponential',
      intervalMaxMs: 3_600_000,
    });
  });

  it.each([
    [{ triggerTime: new Date(5) }, { kind: 'at', at: 5 }],
    [{ triggerTime: 5 }, { kind: 'at', at: 5 }],
    [{ delay: '3d' }, { kind: 'delay', delayMs: 259_200_000 }],
    [{ cron: '0 0 2 * * ?' }, { kind: 'cron', expression: '0 0 2 * * ?', timeZone: undefined }],
    [
      { cron: '0 2 * * *', timeZone: 'Asia/Tokyo' },
      { kind: 'cron', expression: '0 2 * * *', timeZone: 'Asia/Tokyo' },
    ],
    [{ repeat: { interval: '1m', count: -1 } }, { kind: 'repeat', intervalMs: 60_000, count: -1, firstAt: undefined }],
    [
      { repeat: { interval: 5, count: 3 }, triggerTime: 7 },
      { kind: 'repeat', intervalMs: 5, count: 3, firstAt: 7 },
    ],
    [{ fixedDelay: '1m' }, { kind: 'fixed-delay', delayMs: 60_000, firstAt: undefined }],
  ] as [Job, object][])('the trigger of %j', (job, trigger) => {
    expect(prepare(job, parts()).trigger).toEqual(trigger);
  });
});

describe('refusals', () => {
  const exclude = (what: string) => `LTS_JOB_INVALID: ${what} exclude each other. Keep one of them.`;
  const cron = '0 0 2 * * ?';
  const repeat = { interval: '1m', count: 2 };

  it.each([
    [{ cron, repeat }, exclude('cron and repeat')],
    [{ cron, fixedDelay: '1m' }, exclude('cron and fixedDelay')],
    [{ repeat, fixedDelay: '1m' }, exclude('repeat and fixedDelay')],
    [{ cron, repeat, fixedDelay: '1m' }, exclude('cron and repeat and fixedDelay')],
    [{ triggerTime: 5, delay: '1s' }, exclude('triggerTime and delay')],
    [
      { cron, expireAt: 5 },
      'LTS_JOB_INVALID: expireAt belongs to one-shot jobs; a periodic job is ended by cancel or by its count.',
    ],
    [{ repeat, delay: '1s' }, 'LTS_JOB_INVALID: delay belongs to one-shot jobs; give a periodic job its triggerTime.'],
    [
      { fixedDelay: '1m', relyOnPrevCycle: false },
      'LTS_JOB_INVALID: relyOnPrevCycle: a fixedDelay counts from the end of the previous run, so it cannot be false.',
    ],
  ] as [Job, string][])('%j: these exclude each other', (job, sentence) => {
    expect(refusal(job)).toBe(sentence);
  });

  it.each([
    [{ jobId: 'a/b' }, /^LTS_JOB_INVALID: jobId: "a\/b" is not a jobId/],
    [{ nodeGroup: 'a b' }, /^LTS_JOB_INVALID: nodeGroup: "a b" is not a name/],
    [{ submitNodeGroup: '' }, /^LTS_JOB_INVALID: submitNodeGroup: "" is not a name/],
    [{ taskId: 'x'.repeat(65) }, /^LTS_JOB_INVALID: taskId: "x+" must be 1 to 64 characters/],
    [{ lane: 'a.b' }, /^LTS_JOB_INVALID: lane: "a.b"/],
    [{ delay: 'soon' }, /^LTS_DURATION_INVALID: delay: "soon"/],
    [{ timeout: 0 }, /^LTS_JOB_INVALID: timeout: 0 must be a whole number from 1/],
    [{ timeout: '-1s' }, /^LTS_DURATION_INVALID: timeout/],
    [{ retryInterval: 'x' }, /^LTS_DURATION_INVALID: retryInterval/],
    [{ retryIntervalMax: 'x' }, /^LTS_DURATION_INVALID: retryIntervalMax/],
    [{ triggerTime: new Date(Number.NaN) }, /^LTS_JOB_INVALID: triggerTime: NaN is not an instant/],
    [{ expireAt: 1.5 }, /^LTS_JOB_INVALID: expireAt: 1.5 is not an instant/],
    [{ repeat: { interval: 0, count: 1 } }, /^LTS_JOB_INVALID: repeat.interval: 0 must be/],
    [{ repeat: { interval: 5, count: -2 } }, /^LTS_JOB_INVALID: repeat.count: -2 must be a whole number from -1/],
    [{ fixedDelay: 0 }, /^LTS_JOB_INVALID: fixedDelay: 0/],
    [{ cron: '61 * * * * ?' }, /^LTS_CRON_INVALID: Cron expression '61 \* \* \* \* \?'/],
    [{ cron: '0 0 2 * * ?', timeZone: 'Mars/Base' }, /^LTS_CRON_INVALID: Time zone 'Mars\/Base' is unknown/],
    [{ params: { n: 1n } }, /^LTS_PAYLOAD_INVALID: params/],
    [{ params: 'x'.repeat(270_000) }, /^LTS_PAYLOAD_TOO_LARGE: params/],
  ] as [Job, RegExp][])('%#: names the field and the rule', (job, sentence) => {
    expect(refusal(job)).toMatch(sentence);
  });
});

it('regression: a misspelt field was accepted and did nothing', () => {
  expect(refusal({ taskid: 'q' } as Job)).toBe(
    'LTS_JOB_INVALID: taskid: a job has no such field. Did you mean taskId?',
  );
  expect(refusal({ toString: 1 } as unknown as Job)).toMatch(/^LTS_JOB_INVALID: toString: a job has no such field/);
});

it('params that are no object travel as they are; nothing, or null, is {}', () => {
  for (const [params, text] of [
    [5, '5'],
    ['a', '"a"'],
    [[1], '[1]'],
    [undefined, '{}'],
    [null, '{}'],
  ])
    expect(prepare({ params }, parts()).body.params).toBe(text);
});
