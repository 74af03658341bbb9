/** The answers of a runner, and the answer that a submitter waits for. */
import { expect, it, vi } from 'vitest';
import { Action } from '../../src/job/job.js';
import { Result } from '../../src/job/result.js';

it('the short forms make the same results as the constructor', () => {
  expect(Result.success('done', { n: 1 })).toEqual(new Result(Action.EXECUTE_SUCCESS, 'done', { value: { n: 1 } }));
  expect(Result.failed('no')).toEqual(new Result(Action.EXECUTE_FAILED, 'no'));
  expect(Result.later('soon', { delay: '5s' })).toEqual(new Result(Action.EXECUTE_LATER, 'soon', { delay: '5s' }));
});

it('the actions are LTS words', () => {
  expect(Object.values(Action)).toEqual(['EXECUTE_SUCCESS', 'EXECUTE_FAILED', 'EXECUTE_LATER', 'EXECUTE_EXCEPTION']);
});

it('a Result of another copy of the package was taken for a plain value', async () => {
  vi.resetModules();
  const other = (await import('../../src/job/result.js')).Result;
  expect(other).not.toBe(Result);
  expect(other.failed('no')).not.toBeInstanceOf(Result);
  expect(Result.is(other.failed('no'))).toBe(true);
  expect([undefined, null, 'EXECUTE_FAILED', { action: 'EXECUTE_FAILED' }].map(Result.is)).toEqual(
    Array(4).fill(false),
  );
  expect(Object.getOwnPropertySymbols(Result.failed('no'))).toEqual([]);
});
