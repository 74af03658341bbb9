import { describe, expect, it } from 'vitest';
import { LtsError } from '../../src/errors.js';
import { decodeEnvelope, encodeEnvelope, errorBody, errorOf } from '../../src/protocol/envelope.js';
import { subjectsOf } from '../../src/protocol/subjects.js';

const envelope = {
  kind: 'SubmitJobs',
  id: '1',
  from: 'client-1',
  sentAt: 5,
  deadlineMs: 100,
  body: { jobs: ['ü😀', null] },
};
const text = encodeEnvelope(envelope);
/** The refusal of one text. */
const refusal = (bad: string) => {
  try {
    return decodeEnvelope(bad);
  } catch (error) {
    return LtsError.is(error, 'LTS_MESSAGE_INVALID') ? error.message : error;
  }
};
const changed = (change: object) => JSON.stringify({ ...JSON.parse(text), ...change });

describe('an envelope', () => {
  it('comes back as it was, with its version', () => {
    expect(decodeEnvelope(text)).toEqual({ v: 1, ...envelope });
  });

  it('keeps fields that this version does not know, at every level', () => {
    const later = changed({ trace: { id: 'x' }, body: { jobs: [], hints: 1 } });
    expect(decodeEnvelope(later)).toMatchObject({ trace: { id: 'x' }, body: { jobs: [], hints: 1 } });
  });

  it.each([2, 0, '1', null, undefined, {}])('of version %s is refused, naming both versions', (v) => {
    expect(refusal(changed({ v }))).toMatch(/^The message was refused: its version is .*, this node speaks 1\.$/);
  });

  it.each([
    ['', /not JSON/],
    ['{"v":1', /not JSON/],
    ['[1]', /not a JSON object/],
    ['null', /not a JSON object/],
    ['"text"', /not a JSON object/],
    [changed({ kind: '' }), /kind is not a text/],
    [changed({ kind: 7 }), /kind is not a text/],
    [changed({ id: null }), /id or from/],
    [changed({ from: {} }), /id or from/],
    [changed({ sentAt: 'now' }), /sentAt or deadlineMs/],
    [changed({ deadlineMs: -1 }), /sentAt or deadlineMs/],
    [`${'['.repeat(100_000)}${']'.repeat(100_000)}`, /not a JSON object|not JSON/],
  ])('that is malformed is refused with the reason: %.40s', (bad, why) => {
    expect(refusal(bad)).toMatch(why);
  });

  it('with a key named __proto__ is refused, however deep or escaped', () => {
    for (const key of ['__proto__', '\\u005f_proto__', '__pr\\u006fto__'])
      expect(refusal(`${text.slice(0, -1)},"x":[{"a":{"${key}":{"isAdmin":true}}}]}`)).toMatch(/__proto__/);
    expect(refusal(`{"__proto__":{},${text.slice(1)}`)).toMatch(/__proto__/);
  });

  it('may speak of __proto__ in its values', () => {
    expect(decodeEnvelope(encodeEnvelope({ ...envelope, body: '__proto__ \u0001' })).body).toBe('__proto__ \u0001');
  });

  it('refuses a body that JSON cannot hold', () => {
    expect(() => encodeEnvelope({ ...envelope, body: 1n })).toThrow(/SubmitJobs cannot be encoded/);
  });
});

describe('an error over the wire', () => {
  it('keeps its code and text', () => {
    const error = errorOf(errorBody(new LtsError('LTS_BUSY', 'queue q7 is full'), 's'));
    expect(error).toMatchObject({ code: 'LTS_BUSY', message: 'queue q7 is full', isRetryable: true });
  });

  it('that is no LtsError is LTS_INTERNAL, with its text cut to what can be sent', () => {
    const error = errorOf(errorBody(new TypeError('x'.repeat(100_000)), 's'));
    expect(error.code).toBe('LTS_INTERNAL');
    expect(error.message.length).toBeLessThan(9_000);
  });

  it.each([
    [{ code: 'LTS_OF_NEXT_YEAR', message: 'new' }],
    [{ code: 'toString', message: 'm' }],
    [null],
    ['text'],
    [{}],
  ])('that cannot be understood is LTS_INTERNAL: %j', (body) => {
    expect(errorOf(body).code).toBe('LTS_INTERNAL');
  });

  it('of a later release keeps its name in the text', () => {
    expect(errorOf({ code: 'LTS_OF_NEXT_YEAR', message: 'new' }).message).toBe('LTS_OF_NEXT_YEAR: new');
  });
});

describe('subjects', () => {
  it('are made of validated names only', () => {
    const subjects = subjectsOf('demo');
    expect(subjects.session('worker-1-0af')).toBe('lts.demo.session.worker-1.0af');
    expect(subjects.inbox('JOB_TRACKER', 'tracker-1')).toBe('lts.demo.inbox.JOB_TRACKER.tracker-1');
    for (const name of ['a.b', '*', '>', 'a b', 'a\r\nPUB x', '', 'ü', 'x'.repeat(129)]) {
      expect(() => subjects.session(name)).toThrow(/session: /);
      expect(() => subjects.feedback(name)).toThrow(/nodeGroup: /);
      expect(() => subjectsOf(name)).toThrow(/cluster: /);
    }
  });
});
