/** Looks do not overtake each other, and changes that come during one share the next. */
import { expect, it } from 'vitest';
import { Looks } from '../../src/cluster/looks.js';
import { Deferred } from '../../src/kit/deferred.js';

it('one look at a time, and one more for all changes that came meanwhile', async () => {
  const answers: Deferred<void>[] = [];
  const look = () => {
    const answer = new Deferred<void>();
    answers.push(answer);
    return answer.promise;
  };
  const looks = new Looks(look, () => {});
  const first = looks.again();
  for (let i = 0; i < 5; i++) await looks.again();
  expect(answers).toHaveLength(1);
  answers[0]?.resolve();
  await Promise.resolve();
  await Promise.resolve();
  expect(answers).toHaveLength(2);
  answers[1]?.resolve();
  await first;
  expect(answers).toHaveLength(2);
});

it('a look that failed is told, and the next change is looked at', async () => {
  const failures: unknown[] = [];
  let count = 0;
  const looks = new Looks(
    async () => {
      if (++count === 1) throw new Error('no answer');
    },
    (error) => failures.push(error),
  );
  await looks.again();
  await looks.again();
  expect([count, failures]).toEqual([2, [new Error('no answer')]]);
});
