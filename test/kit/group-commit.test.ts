/** What a failing commit does to the operations in it and behind it. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { LtsError } from '../../src/errors.js';
import { Deferred } from '../../src/kit/deferred.js';
import { CommitError, GroupCommit } from '../../src/kit/group-commit.js';

let commits: Deferred<void>[];
let fatal: LtsError[];
let reloads: number;
let group: GroupCommit;
beforeEach(() => {
  commits = [];
  fatal = [];
  reloads = 0;
  group = new GroupCommit({
    transact: (body) => {
      body();
      const commit = new Deferred<void>();
      commits.push(commit);
      return commit.promise;
    },
    writes: () => 0,
    queuedOperationsMax: 10,
    writesPerCommitMax: 100,
    onFatal: (error) => fatal.push(error),
  });
  group.join({ flush: () => {}, reload: () => reloads++ });
});

const commit = (i: number): Deferred<void> => commits[i] as Deferred<void>;

describe('an operation', () => {
  it('is answered after its commit and not before', async () => {
    let isAnswered = false;
    const answer = group
      .add(() => 7)
      .then((value) => {
        isAnswered = true;
        return value;
      });
    await Promise.resolve();
    expect(isAnswered).toBe(false);
    commit(0).resolve();
    expect(await answer).toBe(7);
  });
});

describe('a commit that the store refused', () => {
  it('rejects its operations, has memory read again and lets the next ones pass', async () => {
    const first = group.add(() => 1);
    const second = group.add(() => 2);
    commit(0).reject(new CommitError('No space left on device', true, undefined));
    await expect(first).rejects.toMatchObject({ code: 'LTS_STORE_FAILED' });
    expect([reloads, fatal]).toEqual([1, []]);
    commit(1).resolve();
    expect(await second).toBe(2);
  });
});

describe('a commit with an unknown outcome', () => {
  it('is fatal: nothing in it, behind it or after it is acknowledged', async () => {
    const first = group.add(() => 1);
    const second = group.add(() => 2);
    commit(0).reject(new CommitError('Input/output error', false, undefined));
    await expect(first).rejects.toMatchObject({ code: 'LTS_STORE_FAILED' });
    await expect(second).rejects.toMatchObject({ code: 'LTS_STORE_FAILED' });
    await expect(group.add(() => 3)).rejects.toMatchObject({ code: 'LTS_STORE_FAILED' });
    expect(fatal).toHaveLength(1);
    expect(fatal[0]?.message).toContain('Input/output error');
    expect(commits).toHaveLength(1);
  });
});
