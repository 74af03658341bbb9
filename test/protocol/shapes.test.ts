import { describe, expect, it } from 'vitest';
import { limits } from '../../src/protocol/limits.js';
import { checkOf } from '../../src/protocol/shapes/check.js';
import { bodyFault, checkedReply } from '../../src/protocol/shapes/check-message.js';
import { messageShapes } from '../../src/protocol/shapes/message-shapes.js';
import {
  either,
  list,
  nullable,
  number,
  object,
  oneOf,
  optional,
  record,
  scalar,
  text,
  truth,
  union,
  whole,
} from '../../src/protocol/shapes/shape.js';
import { aJob, kinds, sampleBodies } from './sample-bodies.js';

const saying = (shape: Parameters<typeof checkOf>[0], value: unknown) => {
  const fault = checkOf(shape)(value);
  return fault && `${fault.path}: ${fault.what}`;
};
const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) });

describe('a shape', () => {
  const small = object({ a: whole(0, 9), b: optional(text({ charsMax: 3 })) });

  it.each([
    [text(), 5, ': 5 is no text'],
    [text({ charsMax: 2 }), 'abc', ': 3 characters are more than 2'],
    [text({ pattern: '^a$' }), 'b', ': "b" does not match ^a$'],
    [whole(0, 9), 1.5, ': 1.5 is no whole number'],
    [whole(0, 9), '1', ': "1" is no whole number'],
    [whole(0, 9), 1e300, ': 1e+300 is not from 0 to 9'],
    [number(0, 1), Number.NaN, ': NaN is not from 0 to 1'],
    [number(0, 1), null, ': null is no number'],
    [truth, 1, ': 1 is neither true nor false'],
    [scalar, [], ': [] is no text, number or truth value'],
    [oneOf('a', 'b'), 'c', ': "c" is none of a, b'],
    [list(whole(0, 9), 2), {}, ': {} is no list'],
    [list(whole(0, 9), 2), [1, 2, 3], ': 3 items are more than 2'],
    [list(whole(0, 9), 2), [1, -1], '[1]: -1 is not from 0 to 9'],
    [record(small), { x: { a: 1 }, y: { a: 'z' } }, '.y.a: "z" is no whole number'],
    [record(truth), JSON.parse('{"__proto__":true}'), '.__proto__: a key of this name is refused'],
    [nullable(truth), 'x', ': "x" is neither true nor false'],
    [small, [], ': [] is no object'],
    [small, null, ': null is no object'],
    [small, {}, '.a: nothing is no whole number'],
    [small, { a: 1, b: null }, '.b: null is no text'],
    [small, JSON.parse('{"a":1,"__proto__":{}}'), '.__proto__: a key of this name is refused'],
    [small, { a: 1, constructor: 1 }, '.constructor: a key of this name is refused'],
    [small, { a: 1, more: [{ constructor: 1 }] }, '.more: a key of this name is refused'],
    [small, { a: 1, more: nested(limits.depthMax + 1) }, '.more: it is nested deeper than 32 levels'],
    [union({ x: small }), { kind: 'y', a: 1 }, '.kind: "y" is none of x'],
    [union({ x: small }), { kind: 'toString' }, '.kind: "toString" is none of x'],
    [union({ x: small }), { kind: 'x', a: '' }, '.a: "" is no whole number'],
    [either('a', { with: small, without: object({ c: truth }) }), { c: 1 }, '.c: 1 is neither true nor false'],
  ])('%o refuses %o and says why', (shape, value, why) => {
    expect(saying(shape, value)).toBe(why);
  });

  it.each([
    [small, { a: 1 }],
    [small, { a: 1, b: undefined }],
    [small, { a: 1, b: 'x', more: nested(limits.depthMax), else: undefined }],
    [nullable(truth), null],
    [union({ x: small }), { kind: 'x', a: 1, z: 1 }],
    [either('a', { with: small, without: object({ c: truth }) }), { c: true }],
    [record(scalar), { a: 1, b: '', c: false }],
  ])('%o accepts %o', (shape, value) => {
    expect(saying(shape, value)).toBeUndefined();
  });

  it('accepts text of a hundred thousand levels neither by a crash nor at all', () => {
    const deep = JSON.parse(`{"a":1,"more":${'['.repeat(100_000)}${']'.repeat(100_000)}}`);
    expect(saying(small, deep)).toBe('.more: it is nested deeper than 32 levels');
  });
});

describe('a message', () => {
  it.each(kinds)('%s of the right shape is accepted, with fields of a later version too', (kind) => {
    expect(Object.keys(messageShapes)).toContain(kind);
    for (const body of sampleBodies[kind]) {
      expect(bodyFault(kind, body)).toBeUndefined();
      expect(bodyFault(kind, { ...body, later: { any: ['thing'] } })).toBeUndefined();
    }
  });

  it('is refused by the path of what is wrong first', () => {
    const job = aJob('d');
    const bad = { ...job, body: { ...job.body, priority: '5' } };
    expect(bodyFault('SubmitJobs', { jobs: [aJob('a'), aJob('b'), aJob('c'), bad] })).toBe(
      'SubmitJobs.jobs[3].body.priority: "5" is no number',
    );
  });

  it('of a submission cannot pass a job off as an instance of a schedule', () => {
    const job = aJob('d');
    const bad = { ...job, body: { ...job.body, origin: { scheduleId: 's' } } };
    expect(bodyFault('SubmitJobs', { jobs: [bad] })).toBe(
      'SubmitJobs.jobs[0].body.origin: {"scheduleId":"s"} must be left out',
    );
  });

  it('brings a reply of the right shape, or the reason', () => {
    expect(checkedReply('Probe', { answer: 'ok' })).toEqual({ answer: 'ok' });
    expect(() => checkedReply('SubmitJobs', { answers: [{ code: 'accepted' }] })).toThrow(
      'The reply to SubmitJobs.answers[0].jobId: nothing is no text.',
    );
  });
});
