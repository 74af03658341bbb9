/** Trial of suspects. */
import { expect, it } from 'vitest';
import { startCluster } from '../helpers/start-cluster.js';
import { Result } from '../../src/job/result.js';

it('never more than workThreads', async () => {
  const c = await startCluster();
  let now = 0, max = 0;
  await c.startWorker({ workThreads: 4, jobRunner: async (x) => { now++; max = Math.max(max, now); await c.clock.sleep(x.job.params['ms'] as number); now--; } });
  for (let i = 0; i < 30; i++) { await c.submit({ params: { ms: 3 } }); await c.advance(7); }
  await c.submitAll(Array.from({ length: 40 }, () => ({ params: { ms: 500 } })));
  await c.advance(20_000);
  expect(max).toBeLessThanOrEqual(4);
  await c.stop();
});
it('edit of a schedule without trigger during its run does not run the slot twice', async () => {
  const c = await startCluster();
  const slots: string[] = [];
  await c.startWorker({ jobRunner: async (x) => { slots.push(x.scheduledFor.toISOString()); await c.clock.sleep(2_000); } });
  const id = await c.submit({ repeat: { interval: '1m', count: -1 } });
  await c.advance(500);
  await c.until(c.client.role.ask('EditJob', { jobId: id, edit: { priority: 5 } }));
  await c.advance(30_000);
  expect(slots.length).toBe(1);
  await c.advance(60_000);
  expect(slots.length).toBe(2);
  await c.stop();
});
it('weird throw', async () => {
  const c = await startCluster();
  await c.startWorker({ jobRunner: () => { throw Object.create(null); } });
  const id = await c.submit({ maxRetryTimes: 0 });
  await c.advance(5_000);
  expect(await c.state(id)).toBe('failed/exhausted');
  await c.stop();
});
it('Result.failed(error)', async () => {
  const c = await startCluster();
  await c.startWorker({ jobRunner: () => Result.failed(new Error('boom') as never) });
  const id = await c.submit({});
  await c.advance(5_000);
  expect(await c.state(id)).toBe('failed/failed');
  await c.stop();
});
it('stop within deadline without tracker', async () => {
  const c = await startCluster();
  const w = await c.startWorker({ jobRunner: () => new Promise(() => {}) });
  await c.submit({});
  await c.advance(1000);
  await c.stopTracker();
  const t0 = c.time.nowMs;
  const r = await c.until(w.role.stop(10_000));
  console.log(r, c.time.nowMs - t0);
  expect(c.time.nowMs - t0).toBeLessThanOrEqual(10_000);
});
it('no pulls while stopping', async () => {
  const c = await startCluster();
  let ran = 0;
  const w = await c.startWorker({ jobRunner: async () => { ran++; await c.clock.sleep(20_000); } });
  await c.submit({});
  await c.advance(1000);
  const stopped = w.role.stop(40_000);
  await c.advance(500);
  await c.stopTracker();
  await c.advance(40);
  w.node.isCut = false;
  await c.startTracker();
  // refuse: make its session unknown
  await c.advance(100);
  await c.submit({});
  await c.advance(14_000);
  console.log('ran', ran);
  await c.until(stopped);
  expect(ran).toBe(1);
  await c.stop();
});
it('last progress is told', async () => {
  const c = await startCluster();
  await c.startWorker({ jobRunner: async (x) => { await c.clock.sleep(100); for (let i = 1; i <= 5; i++) { x.progress(i); await c.clock.sleep(1); } await c.clock.sleep(10_000); } });
  const id = await c.submit({});
  const seen: unknown[] = [];
  const all = (async () => { for await (const e of c.client.role.events(id)) if (e.kind === 'progress') seen.push(e.percent); })();
  await c.until(all);
  console.log(seen);
  expect(seen.at(-1)).toBe(5);
  await c.stop();
});
it('follower during tracker stop leaves nothing', async () => {
  const c = await startCluster();
  await c.startWorker({ jobRunner: async () => { await c.clock.sleep(10_000); } });
  const id = await c.submit({});
  const got = c.client.role.result(id).catch((e) => e);
  await c.advance(1_000);
  await c.stopTracker();
  const t0 = c.time.nowMs;
  await c.advance(500);
  await c.startTracker();
  await c.until(got);
  console.log('result after', c.time.nowMs - t0);
  await c.stop();
});
it('huge later delay', async () => {
  const c = await startCluster();
  await c.startWorker({ jobRunner: () => Result.later('x', { delay: 1e300 }) });
  const id = await c.submit({});
  await c.advance(5_000);
  console.log(await c.record(id));
  await c.until(c.client.role.ask('ExplainJob', { jobId: id }));
  await c.stop();
});
it('cancel by jobId of a kept job', async () => {
  const c = await startCluster();
  await c.stopTracker();
  const o = await c.until(c.client.role.submit({ taskId: 'a', jobId: 'X1' }));
  expect(o.code).toBe('stored-locally');
  const e = await c.until(c.client.role.ask('CancelJob', { jobId: 'X1' }).catch((e) => e));
  console.log(e.message);
  await c.startTracker();
  const r = await c.until(c.client.role.ask('CancelJob', { jobId: 'X1' }).catch((e) => e));
  console.log(r.message ?? r.receipt);
  await c.advance(10_000);
  expect(await c.state('X1')).toBe('cancelled');
  await c.stop();
});
