/** Five trackers race for the slots of one cron, and are killed, cut off and frozen. `CRON_HOURS=10` makes it ten virtual hours. */
import { describe, expect, it } from 'vitest';
import type { JobContext } from '../../src/job/context.js';
import { shape } from '../helpers/ground.js';
import { type Peer, TestCluster } from '../helpers/start-cluster.js';

/** On real stores and servers four minutes, one for each misfortune. */
const hours = Number(process.env.CRON_HOURS ?? (shape === 'memory' ? 1 : 4 / 60));
const roundMs = 60_000;
const outageMs = 25_000;

/** What befalls the master; whatever it is, another one is elected, sooner or later. */
const misfortunes: readonly ((cluster: TestCluster, master: Peer) => Promise<void>)[] = [
  async (_, master) => master.kill(),
  // The registry goes on to say that it is there and the master.
  async (cluster, master) => {
    await master.node.kill();
    await cluster.advance(10_000);
    await master.kill();
  },
  // While the others have a new master, it goes on writing to the store.
  async (cluster, master) => {
    master.node.isCut = true;
    await cluster.advance(outageMs);
    master.node.isCut = false;
  },
  async (cluster, master) => {
    master.node.life.freeze();
    await cluster.advance(outageMs);
    master.node.life.thaw();
  },
];

describe('a cron of every second', () => {
  it('fires each slot once, with five trackers that race, die, and are cut off', {
    timeout: 60_000 * Math.max(1, hours),
  }, async () => {
    const cluster = await TestCluster.open();
    const fired: number[] = [];
    const ran: number[] = [];
    const add = cluster.queue.add.bind(cluster.queue);
    cluster.queue.add = async (records) => {
      const outcomes = await add(records);
      for (const { kind, record } of outcomes)
        if (kind === 'added' && record.body.origin) fired.push(record.body.origin.slot.at);
      return outcomes;
    };
    // What ended ten minutes ago is removed, so that the store stays small.
    const settings = { keepEndedMs: 0 };
    for (const identity of ['t1', 't2', 't3', 't4', 't5']) await cluster.startPeer(identity, settings);
    cluster.client = await cluster.startClient();
    await cluster.startWorker({
      jobRunner: ({ job }: JobContext) => void ran.push(Number(job.jobId.split('.').at(-1))),
    });
    const scheduleId = await cluster.submit({ cron: '* * * * * ?', timeZone: 'UTC', relyOnPrevCycle: false });
    const [firstAt = 0] = fired.length > 0 ? fired : [(await cluster.record(scheduleId)).status.slot?.at];
    for (let round = 0; round < hours * 60; round++) {
      const startedAt = cluster.time.nowMs;
      const [master] = cluster.peers;
      if (master) await misfortunes[round % misfortunes.length]?.(cluster, master);
      if (cluster.peers.length < 5) await cluster.startPeer(`t${round + 6}`, settings);
      await cluster.advance(roundMs - (cluster.time.nowMs - startedAt));
    }
    const lastAt = cluster.clock.wallMs();
    await cluster.advance(30_000);
    const [known, run] = [new Set(fired), new Set(ran)];
    const missing = [];
    for (let at = firstAt; at <= lastAt; at += 1_000) if (!known.has(at) || !run.has(at)) missing.push(at);
    expect([missing, fired.length - known.size, ran.length - run.size]).toEqual([[], 0, 0]);
    expect(known.size).toBeGreaterThanOrEqual(hours * 3_600);
    expect((await cluster.record(scheduleId)).status.skipped ?? 0).toBe(0);
    await cluster.stop();
  });
});
