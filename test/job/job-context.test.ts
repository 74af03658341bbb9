/** What a runner is handed. */
import { expect, it, vi } from 'vitest';
import { JobContext, RunAborted, RunningJob } from '../../src/job/context.js';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function aContext(slot?: { id: string; at: number; run: number }) {
  const controller = new AbortController();
  const signal = vi.fn(() => controller.signal);
  const reportProgress = vi.fn();
  const context = new JobContext({
    job: new RunningJob('J1', 'T1', { shop: '7' }, 100),
    nodeGroup: 'g',
    runId: 'r1',
    attempt: 2,
    retryTimes: 1,
    slot,
    scheduledFor: new Date(5),
    bizLogger: () => silent,
    signal,
    reportProgress,
  });
  return { context, signal, reportProgress };
}

it('shows the job, its params and where in its life the run stands', () => {
  const { context } = aContext();
  expect(context.job.getParam('shop')).toBe('7');
  expect(context.job.getParam('none' as 'shop')).toBeUndefined();
  expect(context).toMatchObject({ nodeGroup: 'g', runId: 'r1', attempt: 2, retryTimes: 1, repeatedCount: 0 });
  expect(aContext({ id: '3', at: 5, run: 3 }).context.repeatedCount).toBe(3);
});

it('params that are no object have no named values', () => {
  expect(new RunningJob<never>('J', undefined, null as never, 1).getParam('shop' as never)).toBeUndefined();
});

it('the signal is made only when the runner asks for it', () => {
  const { context, signal } = aContext();
  expect(signal).not.toHaveBeenCalled();
  expect(context.signal.aborted).toBe(false);
  expect(signal).toHaveBeenCalledOnce();
});

it('progress goes to whoever listens', () => {
  const { context, reportProgress } = aContext();
  context.progress(40, 'half way');
  expect(reportProgress).toHaveBeenCalledWith(40, 'half way');
});

it('an abort says why, in a typed error', () => {
  const aborted = new RunAborted('lease-lost');
  expect(aborted).toBeInstanceOf(Error);
  expect([aborted.name, aborted.reason, aborted.message]).toEqual([
    'RunAborted',
    'lease-lost',
    'The run is to stop: lease-lost.',
  ]);
});
