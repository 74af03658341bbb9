/** Jobs that wait here for a slot. */
import { expect, it } from 'vitest';
import { Ahead } from '../../src/task-tracker/ahead.js';
import { aRun } from '../helpers/records.js';

const runOf = (jobId: string) => aRun({ jobId });

it('gives them in the order of their coming', () => {
  const ahead = new Ahead();
  for (const jobId of ['J2', 'J1', 'J3']) ahead.add(runOf(jobId), 0);
  expect([ahead.next()?.jobId, ahead.next()?.jobId, ahead.next()?.jobId, ahead.next()]).toEqual([
    'J2',
    'J1',
    'J3',
    undefined,
  ]);
  expect(ahead.isEmpty).toBe(true);
});

it('gives those that have waited too long, and keeps the others', () => {
  const ahead = new Ahead();
  ahead.add(runOf('J1'), 100);
  ahead.add(runOf('J2'), 200);
  expect(ahead.takeOlder(200).map(({ jobId }) => jobId)).toEqual(['J1']);
  expect(ahead.isEmpty).toBe(false);
});

it('gives one by its run', () => {
  const ahead = new Ahead();
  const job = runOf('J1');
  ahead.add(job, 0);
  expect(ahead.take('J1', 'another run')).toEqual([]);
  expect(ahead.take('J1', job.status.runId ?? '')).toEqual([job]);
  expect(ahead.isEmpty).toBe(true);
});
