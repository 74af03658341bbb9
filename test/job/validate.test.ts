/** The sentences that a user reads when a field of a job is wrong, word for word. */
import { describe, expect, it } from 'vitest';
import { LtsError } from '../../src/errors.js';
import { checkBody, checkInstant, checkInterval, checkJobId, checkName, checkWhole } from '../../src/job/validate.js';
import { aRecord } from '../helpers/records.js';

function refusal(check: () => void): string {
  try {
    check();
  } catch (error) {
    expect(LtsError.is(error, 'LTS_JOB_INVALID')).toBe(true);
    return (error as LtsError).message;
  }
  return '';
}

const body = (change: object) => refusal(() => checkBody({ ...aRecord().body, ...change }));
const retry = (change: object) => body({ retry: { ...aRecord().body.retry, ...change } });

describe('checkBody', () => {
  it('takes a plain job, and the widest values', () => {
    expect(body({})).toBe('');
    const widest = { taskId: 'x'.repeat(64), processor: 'x'.repeat(128), nodeGroup: 'x'.repeat(64), lane: 'A-z_9' };
    expect(body({ ...widest, priority: -1_000_000_000, timeoutMs: 1, expireAt: 8.64e15 })).toBe('');
    expect(retry({ maxRetryTimes: 1_000_000, intervalMs: 0, intervalMaxMs: 366 * 86_400_000 })).toBe('');
  });

  it.each([
    [{ nodeGroup: 'a b' }, 'nodeGroup: "a b" is not a name. Use 1 to 64 of A-Z a-z 0-9 _ -.'],
    [{ nodeGroup: '__proto__' }, 'nodeGroup: "__proto__" means something else in JavaScript. Use another name.'],
    [{ nodeGroup: '' }, 'nodeGroup: "" is not a name. Use 1 to 64 of A-Z a-z 0-9 _ -.'],
    [{ nodeGroup: 'x'.repeat(65) }, `nodeGroup: "${'x'.repeat(65)}" is not a name. Use 1 to 64 of A-Z a-z 0-9 _ -.`],
    [{ submitNodeGroup: 'w.*' }, 'submitNodeGroup: "w.*" is not a name. Use 1 to 64 of A-Z a-z 0-9 _ -.'],
    [{ lane: 'a/b' }, 'lane: "a/b" is not a name. Use 1 to 64 of A-Z a-z 0-9 _ -.'],
    [{ taskId: '' }, 'taskId: "" must be 1 to 64 characters without control characters.'],
    [{ taskId: 'a\nb' }, 'taskId: "a\\nb" must be 1 to 64 characters without control characters.'],
    [{ taskId: 5 }, 'taskId: 5 must be 1 to 64 characters without control characters.'],
    [
      { processor: 'x'.repeat(129) },
      `processor: "${'x'.repeat(76)}... must be 1 to 128 characters without control characters.`,
    ],
    [{ params: {} }, 'params: {} must be encoded as JSON text.'],
    [{ priority: 1.5 }, 'priority: 1.5 must be a whole number from -1000000000 to 1000000000.'],
    [{ priority: 1e9 + 1 }, 'priority: 1000000001 must be a whole number from -1000000000 to 1000000000.'],
    [{ timeoutMs: 0 }, 'timeout: 0 must be a whole number from 1 to 31622400000.'],
    [{ expireAt: Number.NaN }, 'expireAt: NaN is not an instant. Use a valid Date, or whole milliseconds since 1970.'],
    [
      { needFeedback: true },
      'submitNodeGroup: undefined is missing, but needFeedback is true: name the group that gets the feedback.',
    ],
  ])('refuses %j', (change, sentence) => {
    expect(body(change)).toBe(sentence);
  });

  it.each([
    [{ maxRetryTimes: -1 }, 'maxRetryTimes: -1 must be a whole number from 0 to 1000000.'],
    [{ maxRetryTimes: '3' }, 'maxRetryTimes: "3" must be a whole number from 0 to 1000000.'],
    [{ intervalMs: 366 * 86_400_000 + 1 }, 'retryInterval: 31622400001 must be a whole number from 0 to 31622400000.'],
    [{ intervalMaxMs: -5 }, 'retryIntervalMax: -5 must be a whole number from 0 to 31622400000.'],
    [{ backoff: 'linear' }, `backoff: "linear" is unknown. Use 'fixed' or 'exponential'.`],
  ])('refuses the retry policy %j', (change, sentence) => {
    expect(retry(change)).toBe(sentence);
  });

  it('names the first bad field only', () => {
    expect(body({ nodeGroup: '', taskId: '' })).toMatch(/^nodeGroup:/);
  });
});

describe('single checks', () => {
  it('a jobId', () => {
    for (const good of ['a', 'x'.repeat(128), '01J.1.manual:7_-']) expect(refusal(() => checkJobId(good))).toBe('');
    const sentence = 'is not a jobId. Use 1 to 128 of A-Z a-z 0-9 _ . : -, or leave it out.';
    expect(refusal(() => checkJobId('a/b'))).toBe(`jobId: "a/b" ${sentence}`);
    expect(refusal(() => checkJobId(''))).toBe(`jobId: "" ${sentence}`);
    expect(refusal(() => checkJobId(7))).toBe(`jobId: 7 ${sentence}`);
  });

  it('a name, an instant, a number, an interval', () => {
    expect(refusal(() => checkName('cluster', undefined))).toBe(
      'cluster: undefined is not a name. Use 1 to 64 of A-Z a-z 0-9 _ -.',
    );
    expect(refusal(() => checkInstant('triggerTime', 1.5))).toMatch(/^triggerTime: 1\.5 is not an instant\./);
    expect(refusal(() => checkInstant('triggerTime', 8.64e15 + 2))).toMatch(/is not an instant/);
    expect(refusal(() => checkWhole('n', Number.POSITIVE_INFINITY, { min: 0, max: 3 }))).toBe(
      'n: Infinity must be a whole number from 0 to 3.',
    );
    expect(refusal(() => checkInterval('repeat.interval', 0))).toBe(
      'repeat.interval: 0 must be a whole number from 1 to 31622400000.',
    );
  });
});
