import { afterEach, beforeEach, expect, it } from 'vitest';
import type { JobResult } from '../../src/job/result.js';
import type { Transport } from '../../src/ports/transport.js';
import { TestCluster } from '../helpers/start-cluster.js';

let cluster: TestCluster;
let feedback: JobResult[];
/** Of the kinds that were asked. */
let asked: Set<string>;

/** As if each message came over a wire: encoded, decoded, and of any shape. */
function overWire(inner: Transport): Transport {
  return {
    isForeign: true,
    request: async (subject, message, options) => {
      asked.add(message.kind);
      const sent = JSON.parse(JSON.stringify(message));
      const reply = await inner.request(subject, sent, { ...options, isForeign: true });
      return JSON.parse(JSON.stringify(reply));
    },
    publish: (subject, message) => inner.publish(subject, message),
    subscribe: (subject, handler, options) => inner.subscribe(subject, handler, options),
    isUp: () => inner.isUp(),
    close: () => inner.close(),
  };
}

beforeEach(async () => {
  feedback = [];
  asked = new Set();
  cluster = new TestCluster();
  const open = cluster.network.transport.bind(cluster.network);
  cluster.network.transport = () => overWire(open());
  await cluster.startTracker();
  cluster.client = await cluster.startClient({ onComplete: (results) => void feedback.push(...results) });
});
afterEach(() => cluster.stop());

it('nodes that check each other’s messages and replies find nothing wrong with their own', async () => {
  let fails = 1;
  const worker = await cluster.startWorker({
    jobRunner: async (context) => {
      context.bizLogger.info('runs');
      context.progress(0.5, 'half');
      if (context.job.taskId === 'again' && fails-- > 0) throw new Error('once');
      return { sum: 1 };
    },
  });
  const { role } = cluster.client;
  const one = await cluster.submit({ taskId: 'one', params: { a: 1 }, needFeedback: true });
  const again = await cluster.submit({ taskId: 'again', retryInterval: '1s', timeout: '1m', lane: 'slow' });
  const cron = await cluster.submit({ taskId: 'cron', cron: '0 * * * * ?' });
  const later = await cluster.submit({ taskId: 'later', delay: '1h', expireAt: cluster.clock.wallMs() + 9e6 });
  await cluster.untilEnded(one);
  await cluster.untilEnded(again);
  await cluster.advance(130_000);
  const until = cluster.until.bind(cluster);
  expect((await until(role.ask('GetJob', { jobId: one }))).job?.status.result).toBe('{"sum":1}');
  await until(role.ask('TriggerJob', { jobId: cron, requestId: 'q1' }));
  await until(role.ask('EditJob', { jobId: later, edit: { priority: 1 } }));
  await until(role.ask('SuspendJob', { jobId: cron }));
  await until(role.ask('ResumeJob', { jobId: cron }));
  expect((await until(role.ask('ExplainJob', { jobId: later }))).code).toBe('not-due');
  expect((await until(role.ask('ReadLog', { jobId: one, limit: 10 }))).lines.length).toBeGreaterThan(0);
  expect((await until(role.ask('ListJobs', { limit: 100 }))).records.length).toBeGreaterThan(5);
  expect((await until(role.ask('CountJobs', {}))).counts.lts?.schedules).toBe(1);
  expect((await until(role.ask('CancelJob', { jobId: later }))).receipt).toBe('done');
  await until(role.result(one));
  await worker.stop();
  expect(feedback.map(({ jobId }) => jobId)).toContain(one);
  expect(asked.size).toBeGreaterThan(17);
  expect(cluster.tracker.role.malformedCounts()).toEqual({});
  expect(cluster.log.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
});

it('a submission that breaks a rule of jobs is refused with the same words as within one process', async () => {
  const job = await cluster.submit({ taskId: 'x', delay: '1h' });
  const answer = cluster.until(cluster.client.role.ask('EditJob', { jobId: job, edit: { priority: 1.5 } }));
  await expect(answer).rejects.toMatchObject({ code: 'LTS_JOB_INVALID' });
});
