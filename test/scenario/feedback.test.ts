/** Feedback comes in two steps: a client says that it has the results, and later that its completed handler has ended. */
import { describe, expect, it } from 'vitest';
import { LtsError } from '../../src/errors.js';
import type { Transport } from '../../src/ports/transport.js';
import { shape } from '../helpers/ground.js';
import { startCluster, TestCluster } from '../helpers/start-cluster.js';

const isOwed = async (cluster: TestCluster, jobId: string) =>
  (await cluster.record(jobId)).status.feedbackAt !== undefined;

/** A client whose handler takes so long, and the instants at which it was called. */
async function slowly(handlerMs: number) {
  const called: number[] = [];
  const cluster = await startCluster({
    client: {
      onComplete: () => {
        called.push(cluster.time.nowMs);
        return cluster.clock.sleep(handlerMs);
      },
    },
  });
  await cluster.startWorker({ jobRunner: () => 1 });
  return { cluster, called };
}

describe('a frozen client', () => {
  // A NATS server chooses by lot: there 1 result in 256 meets the frozen one each time.
  it.runIf(shape === 'memory')(
    'holds back no result of its group: the other client hears most at once or a second later, and all within eight',
    async () => {
      const heard = new Map<string, number>();
      const cluster = await startCluster();
      await cluster.startWorker({ jobRunner: () => 1 });
      const frozen = await cluster.startClient({ onComplete: () => undefined });
      await cluster.startClient({
        onComplete: (results) => {
          for (const { jobId } of results) heard.set(jobId, cluster.time.nowMs);
        },
      });
      frozen.node.isCut = true;
      const submitted = new Map<string, number>();
      for (let i = 0; i < 40; i++) {
        submitted.set(await cluster.submit({ needFeedback: true }), cluster.time.nowMs);
        await cluster.advance(166);
      }
      await cluster.advance(8_000);
      expect(heard.size).toBe(40);
      const waited = [...submitted].map(([jobId, at]) => (heard.get(jobId) as number) - at);
      expect(waited.filter((ms) => ms < 1_500).length).toBeGreaterThan(25);
      expect(Math.max(...waited)).toBeLessThan(8_000);
      await cluster.stop();
    },
  );

  it('alone in its group hears what it missed once it is back', async () => {
    const told: string[] = [];
    const cluster = await startCluster({
      client: { onComplete: (results) => told.push(...results.map(({ jobId }) => jobId)) },
    });
    await cluster.startWorker({ jobRunner: () => 1 });
    const jobId = await cluster.submit();
    cluster.client.node.isCut = true;
    await cluster.advance(20_000);
    expect(told).toEqual([]);
    cluster.client.node.isCut = false;
    await cluster.advance(40_000);
    expect(told).toEqual([jobId]);
    await cluster.stop();
  });
});

describe('a completed handler', () => {
  it('of 20 s is told once, and its results are owed until it has ended', async () => {
    const { cluster, called } = await slowly(20_000);
    const jobId = await cluster.submit();
    await cluster.advance(19_000);
    expect(await isOwed(cluster, jobId)).toBe(true);
    await cluster.advance(2_000);
    expect(await isOwed(cluster, jobId)).toBe(false);
    await cluster.advance(120_000);
    expect(called).toHaveLength(1);
    await cluster.stop();
  });

  it('of 40 s gets the same again after 30 s, and what it says when it ends still counts', async () => {
    const { cluster, called } = await slowly(40_000);
    // The next round of resending but one comes some seconds after the 30 s of the handler.
    await cluster.advance(25_000);
    const jobId = await cluster.submit();
    await cluster.advance(39_000);
    expect(called).toHaveLength(2);
    expect((called[1] as number) - (called[0] as number)).toBeGreaterThanOrEqual(30_000);
    await cluster.advance(2_000);
    expect(await isOwed(cluster, jobId)).toBe(false);
    await cluster.advance(120_000);
    expect(called).toHaveLength(2);
    await cluster.stop();
  });

  it('is not given what it still has, whoever sends it', async () => {
    const { cluster, called } = await slowly(5_000);
    const jobId = await cluster.submit();
    await cluster.advance(1_000);
    const transport = cluster.network.transport();
    const results = [{ jobId, taskId: 'T', nodeGroup: 'lts', success: true, state: 'succeeded', endedAt: 0 }];
    const message = { kind: 'JobsFinished', body: { tracker: 'another', results } };
    const reply = await cluster.until(transport.request('lts.test.feedback.web', message, { deadlineMs: 1_000 }));
    expect(reply).toEqual({ isReceived: true });
    await cluster.advance(120_000);
    expect(called).toHaveLength(1);
    await cluster.stop();
  });

  it('of a client that stops is waited for and told', async () => {
    const { cluster, called } = await slowly(1_000);
    const jobId = await cluster.submit();
    await cluster.untilTrue(() => called.length === 1);
    await cluster.until(cluster.client.role.stop());
    expect(await isOwed(cluster, jobId)).toBe(false);
    await cluster.stop();
  });

  it('that hangs holds neither the stop of its client nor that of the tracker for its 30 s', async () => {
    const { cluster, called } = await slowly(3_600_000);
    await cluster.submit();
    await cluster.untilTrue(() => called.length === 1);
    const began = cluster.time.nowMs;
    await cluster.until(cluster.client.role.stop());
    expect(cluster.time.nowMs - began).toBeLessThan(5_000);
    await cluster.stopTracker();
    expect(cluster.time.nowMs - began).toBeLessThan(10_000);
    await cluster.stop();
  });
});

describe('results that were received', () => {
  it('by a client whose tracker dies before they were told are noted by another tracker', async () => {
    const called: number[] = [];
    const cluster = await TestCluster.open();
    for (const identity of ['t1', 't2']) await cluster.startPeer(identity);
    cluster.client = await cluster.startClient({
      onComplete: () => {
        called.push(cluster.time.nowMs);
        return cluster.clock.sleep(5_000);
      },
    });
    await cluster.startWorker({ jobRunner: () => 1 });
    const jobId = await cluster.submit();
    await cluster.untilTrue(() => called.length === 1);
    const [serving] = (await cluster.leases.list()).map(({ tracker }) => tracker);
    await cluster.until(cluster.peers.find(({ identity }) => identity === serving)?.kill() ?? Promise.reject());
    await cluster.advance(20_000);
    expect(await isOwed(cluster, jobId)).toBe(false);
    await cluster.advance(300_000);
    expect(called).toHaveLength(1);
    await cluster.stop();
  });

  it('by a client whose only tracker is away when they were told come once more', async () => {
    const { cluster, called } = await slowly(5_000);
    const jobId = await cluster.submit();
    await cluster.untilTrue(() => called.length === 1);
    await cluster.stopTracker();
    await cluster.advance(10_000);
    expect(await isOwed(cluster, jobId)).toBe(true);
    await cluster.startTracker();
    await cluster.advance(120_000);
    expect(called).toHaveLength(2);
    expect(await isOwed(cluster, jobId)).toBe(false);
    await cluster.stop();
  });

  it('come again after 30 s when the word that they were told is lost', async () => {
    let lost = 0;
    const called: number[] = [];
    const through = ({ transport }: { transport: Transport }): Transport => ({
      ...transport,
      request: (subject, message, options) => {
        // To its tracker, and to any.
        if (message.kind !== 'JobsTold' || ++lost > 2) return transport.request(subject, message, options);
        return Promise.reject(new LtsError('LTS_TIMEOUT', 'lost'));
      },
    });
    const cluster = await startCluster({
      client: { through, onComplete: () => void called.push(cluster.time.nowMs) },
    });
    await cluster.startWorker({ jobRunner: () => 1 });
    const jobId = await cluster.submit();
    await cluster.advance(29_000);
    expect(called).toHaveLength(1);
    expect(await isOwed(cluster, jobId)).toBe(true);
    await cluster.advance(120_000);
    expect(called).toHaveLength(2);
    expect((called[1] as number) - (called[0] as number)).toBeGreaterThanOrEqual(30_000);
    expect(await isOwed(cluster, jobId)).toBe(false);
    await cluster.stop();
  });
});

describe('on the wire', () => {
  it('a simple client answers {} when it is done, and that is all', async () => {
    const cluster = await startCluster();
    const asked: unknown[] = [];
    cluster.network.transport().subscribe('lts.test.feedback.web', async ({ body }) => {
      asked.push(body);
      return {};
    });
    await cluster.startWorker({ jobRunner: () => 1 });
    const jobId = await cluster.submit({ needFeedback: true });
    await cluster.advance(1_000);
    expect(asked).toMatchObject([{ tracker: 'tracker', results: [{ jobId }] }]);
    expect(await isOwed(cluster, jobId)).toBe(false);
    await cluster.stop();
  });

  it('JobsTold of jobs that are unknown, open or owe nothing changes nothing', async () => {
    const cluster = await startCluster();
    await cluster.startWorker({ jobRunner: () => 1 });
    const ended = await cluster.submit();
    await cluster.untilEnded(ended);
    const open = await cluster.submit({ delay: '1h', needFeedback: true });
    const before = [await cluster.record(ended), await cluster.record(open)];
    const message = { kind: 'JobsTold', body: { jobIds: [ended, open, 'unknown', open] } };
    const reply = cluster.network.transport().request('lts.test.tracker', message, { deadlineMs: 5_000 });
    expect(await cluster.until(reply)).toEqual({});
    expect([await cluster.record(ended), await cluster.record(open)]).toEqual(before);
    await cluster.stop();
  });
});
