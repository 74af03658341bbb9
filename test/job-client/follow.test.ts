/** Waiting for a job: values, failures, deadlines, and the ways a wait is given up. */
import { describe, expect, it } from 'vitest';
import { Result } from '../../src/job/result.js';
import type { JobEvent } from '../../src/job-client/follow.js';
import { startCluster, type TestCluster } from '../helpers/start-cluster.js';

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: Error & { code: string }) => `${error.code}: ${error.message}`,
  );

describe('result', () => {
  it('is the value of the run, also when the job had ended before', async () => {
    const cluster = await startCluster();
    await cluster.startWorker({
      jobRunner: async ({ job }) => {
        await cluster.clock.sleep(500);
        return { twice: 2 * job.getParam('n') };
      },
    });
    const jobId = await cluster.submit({ params: { n: 21 } });
    for (let i = 0; i < 2; i++) expect(await cluster.until(cluster.client.role.result(jobId))).toEqual({ twice: 42 });
    expect(
      await cluster.until(cluster.client.role.result(await cluster.submit({ params: { n: 1 }, maxRetryTimes: 0 }))),
    ).toEqual({ twice: 2 });
    await cluster.stop();
  });

  it('a job that ended otherwise throws with state, reason and message', async () => {
    const cluster = await startCluster();
    await cluster.startWorker({ jobRunner: () => Result.failed('no stock') });
    const jobId = await cluster.submit();
    expect(await cluster.until(failure(cluster.client.role.result(jobId)))).toBe(
      `LTS_JOB_FAILED: Job ${jobId} ended as failed (failed) no stock`,
    );
    const cancelled = await cluster.submit({ delay: '1h' });
    await cluster.until(cluster.client.role.ask('CancelJob', { jobId: cancelled }));
    expect(await cluster.until(failure(cluster.client.role.result(cancelled)))).toBe(
      `LTS_JOB_FAILED: Job ${cancelled} ended as cancelled`,
    );
    await cluster.stop();
  });

  it('a job nobody knows is said to be unknown', async () => {
    const cluster = await startCluster();
    expect(await cluster.until(failure(cluster.client.role.result('nope')))).toMatch(
      /^LTS_JOB_NOT_FOUND: Job nope is not known/,
    );
    await cluster.stop();
  });

  it('the deadline is kept, with a tracker and without', async () => {
    const cluster = await startCluster();
    const jobId = await cluster.submit({ delay: '1h' });
    const waited = failure(cluster.client.role.result(jobId, { timeout: '50s' }));
    expect(await cluster.until(waited)).toBe(
      `LTS_TIMEOUT: Job ${jobId} did not end in time; it goes on. Ask again, or explain it.`,
    );
    expect(cluster.time.nowMs).toBeGreaterThanOrEqual(50_000);
    expect(cluster.time.nowMs).toBeLessThan(50_500);
    await cluster.stopTracker();
    const before = cluster.time.nowMs;
    expect(await cluster.until(failure(cluster.client.role.result(jobId, { timeout: '7s' })))).toMatch(/^LTS_TIMEOUT/);
    expect(cluster.time.nowMs - before).toBeLessThan(7_600);
    await cluster.stop();
  });

  it('the caller may give up, before and while it waits, and then nothing of the wait is left', async () => {
    const cluster = await startCluster();
    const jobId = await cluster.submit({ delay: '1h' });
    const { role } = cluster.client;
    const given = `LTS_ABORTED: Waiting for job ${jobId} was given up by the caller; the job goes on.`;
    expect(await cluster.until(failure(role.result(jobId, { signal: AbortSignal.abort() })))).toBe(given);
    const controller = new AbortController();
    const waiting = failure(role.result(jobId, { signal: controller.signal }));
    await cluster.advance(3_000);
    controller.abort();
    expect(await cluster.until(waiting)).toBe(given);
    expect(cluster.time.nowMs).toBeLessThan(3_100);
    await cluster.stop();
  });

  it('stop ends every wait', async () => {
    const cluster = await startCluster();
    const jobId = await cluster.submit({ delay: '1h' });
    const waits = Array.from({ length: 20 }, () => failure(cluster.client.role.result(jobId)));
    await cluster.advance(3_000);
    await cluster.until(cluster.client.role.stop());
    const ended = await cluster.until(Promise.all(waits));
    expect(new Set(ended)).toEqual(
      new Set([`LTS_NOT_STARTED: The JobClient stopped while job ${jobId} was followed.`]),
    );
    await cluster.stop();
  });

  it('a tracker that restarts is asked again', async () => {
    const cluster = await startCluster();
    await cluster.startWorker({
      jobRunner: async () => {
        await cluster.clock.sleep(10_000);
        return 'done';
      },
    });
    const jobId = await cluster.submit();
    const waiting = cluster.client.role.result(jobId);
    await cluster.advance(2_000);
    await cluster.stopTracker();
    await cluster.advance(1_000);
    await cluster.startTracker();
    expect(await cluster.until(waiting)).toBe('done');
    expect(cluster.time.nowMs).toBeLessThan(12_000);
    await cluster.stop();
  });
});

describe('events', () => {
  it('tell states, progress and lines until the end', async () => {
    const cluster = await startCluster();
    await cluster.startWorker({
      jobRunner: async (context) => {
        context.bizLogger.info('counting');
        for (const percent of [10, 50, 100]) {
          await cluster.clock.sleep(1_700);
          context.progress(percent, `at ${percent}`);
        }
        await cluster.clock.sleep(2_000);
      },
    });
    const jobId = await cluster.submit({ delay: '1s' });
    const seen: JobEvent[] = [];
    const telling = (async () => {
      for await (const event of cluster.client.role.events(jobId)) seen.push(event);
    })();
    await cluster.until(telling);
    const states = seen.flatMap((event) => (event.kind === 'state' ? [event.job.status.state] : []));
    expect(states).toEqual(['waiting', 'executing', 'succeeded']);
    expect(seen.flatMap((event) => (event.kind === 'progress' ? [event.percent] : []))).toEqual([10, 50, 100]);
    expect(seen.flatMap((event) => (event.kind === 'log' ? [event.line.text] : []))).toEqual(['counting']);
    await cluster.stop();
  });

  /** The lines that a follower of one job is told, and whether its end comes last. */
  async function toldLines(cluster: TestCluster, jobId: string) {
    const seen: JobEvent[] = [];
    const telling = (async () => {
      for await (const event of cluster.client.role.events(jobId)) seen.push(event);
    })();
    await cluster.until(telling);
    expect(seen.at(-1)).toMatchObject({ kind: 'state', job: { status: { state: 'succeeded' } } });
    return seen.flatMap((event) => (event.kind === 'log' ? [event.line.text] : []));
  }

  it('tell every line of a job that ended with more of them than one page holds', async () => {
    const cluster = await startCluster();
    const texts = Array.from({ length: 2_500 }, (_, i) => `line ${i}`);
    await cluster.startWorker({ jobRunner: ({ bizLogger }) => texts.forEach((text) => bizLogger.info(text)) });
    const jobId = await cluster.submit();
    await cluster.until(cluster.client.role.result(jobId));
    expect(await toldLines(cluster, jobId)).toEqual(texts);
    await cluster.stop();
  });

  it('tell a line at once that was stored between two looks, when nobody waited for it', async () => {
    const cluster = await startCluster();
    const { read } = cluster.logger;
    let isLate = false;
    // The first look at the log finds nothing; the line is stored before the next wait begins.
    cluster.logger.read = async (...args) => {
      const page = await read.apply(cluster.logger, args);
      if (isLate) return page;
      isLate = true;
      const line = { jobId: args[0], runId: 'r', seq: 1, at: 1, level: 'INFO', type: 'biz', text: 'late' } as const;
      await cluster.logger.append([line]);
      return page;
    };
    const jobId = await cluster.submit({ delay: '1h' });
    const before = cluster.time.nowMs;
    for await (const event of listened(cluster, jobId)) if (event.kind === 'log') break;
    expect(cluster.time.nowMs - before).toBeLessThan(1_000);
    await cluster.stop();
  });

  it('tell the lines that are stored just after the end of their run', async () => {
    const cluster = await startCluster();
    const { append } = cluster.logger;
    cluster.logger.append = async (lines) => {
      if (lines.some(({ text }) => text === 'last')) await cluster.clock.sleep(100);
      return append.call(cluster.logger, lines);
    };
    await cluster.startWorker({
      jobRunner: async ({ bizLogger }) => {
        bizLogger.info('first');
        await cluster.clock.sleep(1_000);
        bizLogger.info('last');
      },
    });
    expect(await toldLines(cluster, await cluster.submit())).toEqual(['first', 'last']);
    await cluster.stop();
  });

  it('whoever stops listening leaves nothing behind', async () => {
    const cluster = await startCluster();
    const jobId = await cluster.submit({ delay: '1h' });
    for await (const event of listened(cluster, jobId)) {
      expect(event.kind).toBe('state');
      break;
    }
    await cluster.stop();
    await cluster.advance(10_000);
    const { events } = cluster.time;
    await cluster.advance(3_600_000);
    expect(cluster.time.events).toBe(events);
  });
});

/** The events, with time passing while they are waited for. */
async function* listened(cluster: TestCluster, jobId: string): AsyncGenerator<JobEvent> {
  const events = cluster.client.role.events(jobId);
  for (;;) {
    const next = await cluster.until(events.next());
    if (next.done) return;
    yield next.value;
  }
}
