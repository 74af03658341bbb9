/** From what a runner returned or threw to the outcome of its run. */
import { describe, expect, it, vi } from 'vitest';
import { JsonCodec } from '../../src/adapters/json/json-codec.js';
import { LtsError } from '../../src/errors.js';
import { RunAborted } from '../../src/job/context.js';
import { Action } from '../../src/job/job.js';
import { Result } from '../../src/job/result.js';
import { outcomeOfAbort, outcomeOfRefusal, outcomeOfReturn, outcomeOfThrow } from '../../src/task-tracker/outcome.js';

const codec = new JsonCodec();
const returned = (value: unknown) => outcomeOfReturn(value, codec);

describe('returns', () => {
  it('nothing, or a plain value, is success', () => {
    expect(returned(undefined)).toEqual({ kind: 'success', result: undefined });
    expect(returned(null)).toEqual({ kind: 'success', result: 'null' });
    expect(returned({ synced: 12 })).toEqual({ kind: 'success', result: '{"synced":12}' });
    expect(returned(false)).toEqual({ kind: 'success', result: 'false' });
  });

  it('a Result says it in words', () => {
    expect(returned(Result.success('done', [1]))).toEqual({ kind: 'success', message: 'done', result: '[1]' });
    expect(returned(Result.failed('no'))).toEqual({ kind: 'failed', message: 'no' });
    expect(returned(Result.later('soon'))).toEqual({ kind: 'later', message: 'soon', delayMs: undefined });
    expect(returned(Result.later('soon', { delay: '2m' }))).toMatchObject({ kind: 'later', delayMs: 120_000 });
    expect(returned(Result.later('soon', { delay: 0 }))).toMatchObject({ delayMs: 0 });
    expect(returned(new Result(Action.EXECUTE_EXCEPTION, 'oops'))).toEqual({ kind: 'exception', message: 'oops' });
  });

  it('a Result of another copy of the package counted as success', async () => {
    vi.resetModules();
    const { Result: Other } = await import('../../src/job/result.js');
    expect(returned(Other.failed('no'))).toEqual({ kind: 'failed', message: 'no' });
  });

  it('an Error given as message is shown, and its action stays what it was', () => {
    const outcome = returned(Result.failed(new Error('boom') as never));
    expect(outcome.kind).toBe('failed');
    expect(outcome.message).toContain('boom');
  });

  it('a value that cannot travel, or a delay that cannot be read, is thrown to the caller', () => {
    expect(() => returned(10n)).toThrow(/^result/);
    expect(() => returned('x'.repeat(300_000))).toThrow(/^result/);
    expect(() => returned(Result.later('x', { delay: 'soon' }))).toThrow(
      /^Result.later delay: "soon" is not a duration/,
    );
  });

  it('a long message is cut', () => {
    const { message = '' } = returned(Result.failed('x'.repeat(20_000)));
    expect(message).toHaveLength(8 * 1024);
    expect(message.endsWith('...')).toBe(true);
  });
});

describe('throws', () => {
  it('an Error leaves its stack', () => {
    const { kind, message } = outcomeOfThrow(new TypeError('boom'));
    expect(kind).toBe('exception');
    expect(message).toMatch(/^TypeError: boom\n {4}at /);
  });

  it('an Error without a stack leaves its name and text', () => {
    const error = new RangeError('far');
    delete error.stack;
    expect(outcomeOfThrow(error).message).toBe('RangeError: far');
  });

  it.each([
    ['text', 'text'],
    [42, '42'],
    [undefined, 'undefined'],
    [null, 'null'],
    [Symbol('s'), 'Symbol(s)'],
  ])('%s is shown as it is', (thrown, text) => {
    expect(outcomeOfThrow(thrown)).toEqual({ kind: 'exception', message: text });
  });

  it('what cannot be shown as text does not take the node down', () => {
    expect(outcomeOfThrow(Object.create(null)).message).toBe('a value of type object that cannot be shown as text');
    const hostile = new Error('x');
    Object.defineProperty(hostile, 'stack', {
      get: () => {
        throw new Error('no');
      },
    });
    expect(outcomeOfThrow(hostile).kind).toBe('exception');
  });
});

it('an aborted run ends by the reason of its abort', () => {
  expect(outcomeOfAbort(new RunAborted('timeout')).kind).toBe('timeout');
  expect(outcomeOfAbort(new RunAborted('cancelled')).kind).toBe('exception');
  expect(outcomeOfAbort(new RunAborted('shutdown'))).toEqual({
    kind: 'returned',
    message: 'The run was stopped: shutdown.',
  });
  expect(outcomeOfAbort(new RunAborted('lease-lost')).kind).toBe('returned');
});

it('a refusal of ours is its message; anything else that went wrong before the run keeps its stack', () => {
  const refused = new LtsError('LTS_RUNNER_UNKNOWN', 'no runner for "typo"');
  expect(outcomeOfRefusal(refused)).toEqual({ kind: 'exception', message: 'no runner for "typo"' });
  expect(outcomeOfRefusal(new TypeError('boom')).message).toMatch(/^TypeError: boom\n {4}at /);
});
