/** Long outages: of everything between the nodes, of all trackers at once, of a frozen process; and clocks that are wrong. */
import { describe, expect, it, vi } from 'vitest';
import { LtsError } from '../../src/errors.js';
import type { JobContext } from '../../src/job/context.js';
import type { Job } from '../../src/job/job.js';
import { shape } from '../helpers/ground.js';
import { TestCluster } from '../helpers/start-cluster.js';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** One has its store for itself, several share theirs. */
async function clusterOf(trackers: number): Promise<TestCluster> {
  const cluster = await TestCluster.open();
  if (trackers === 1) await cluster.startTracker();
  else await cluster.startPeers(...Array.from({ length: trackers }, (_, i) => `t${i + 1}`));
  cluster.client = await cluster.startClient();
  // The world begins on the hour, which is a slot.
  await cluster.advance(1_000);
  return cluster;
}

/** What the handlers saw, by jobId. */
class Seen {
  readonly starts: string[] = [];
  readonly aborts: string[] = [];

  constructor(private readonly cluster: TestCluster) {}

  /** Takes as long as its params say, or until it is told to stop. */
  readonly run = async ({ job, signal }: JobContext): Promise<string> => {
    this.starts.push(job.jobId);
    signal.addEventListener('abort', () => {
      this.aborts.push(`${job.jobId} ${(signal.reason as { reason: string }).reason}`);
    });
    await this.cluster.clock.sleep((job.params as { takesMs?: number }).takesMs ?? 0, signal);
    signal.throwIfAborted();
    return 'done';
  };

  startsOf(jobId: string): number {
    return this.starts.filter((started) => started === jobId).length;
  }
}

/** Fire times of a schedule's runs that succeeded, as minutes since the world began. */
async function firedMinutes(cluster: TestCluster, scheduleId: string): Promise<number[]> {
  const began = cluster.clock.wallMs() - cluster.time.nowMs;
  const instances = await cluster.instances(scheduleId);
  return instances
    .filter(({ status }) => status.state === 'succeeded')
    .map(({ body }) => ((body.origin?.slot.at ?? 0) - began) / minuteMs);
}

const between = (from: number, to: number, every = 1): number[] =>
  Array.from({ length: Math.floor((to - from) / every) + 1 }, (_, i) => from + i * every);

// In the large shape a tracker has others beside it.
describe.each(shape === 'large' ? [3] : [1, 3])(
  'ten minutes without a message server, with %i tracker(s)',
  (trackers) => {
    it('end: short runs count, long ones follow lease-lost, submissions wait on disk, nothing is lost or doubled', async () => {
      const cluster = await clusterOf(trackers);
      const seen = new Seen(cluster);
      await cluster.startWorker({ jobRunner: seen.run });
      await cluster.startWorker({ jobRunner: seen.run, nodeGroup: 'steady', leaseLost: 'continue' });
      const short = await cluster.submit({ params: { takesMs: 15_000 } });
      const long = await cluster.submit({ params: { takesMs: 3 * minuteMs } });
      const steadyJob = await cluster.submit({ params: { takesMs: 3 * minuteMs }, leaseLost: 'continue' });
      const steadyNode = await cluster.submit({ params: { takesMs: 3 * minuteMs }, nodeGroup: 'steady' });
      await cluster.advance(1_000);
      expect(seen.starts).toHaveLength(4);

      cluster.cutAll(true);
      const kept: string[] = [];
      for (let i = 0; i < 20; i++) {
        const askedAt = cluster.time.nowMs;
        const answer = await cluster.until(cluster.client.role.submit({ params: { takesMs: 1_000 } }));
        expect([answer.code, cluster.time.nowMs - askedAt <= 5_200]).toEqual(['stored-locally', true]);
        kept.push(answer.jobId);
        await cluster.advance(20_000);
      }
      await cluster.advance(10 * minuteMs - (cluster.time.nowMs % (10 * minuteMs)));
      expect(seen.aborts).toEqual([`${long} lease-lost`]);
      expect(seen.starts).toHaveLength(4);

      cluster.cutAll(false);
      for (const jobId of [short, long, steadyJob, steadyNode, ...kept]) {
        const { status } = await cluster.untilEnded(jobId, 5 * minuteMs);
        expect([status.state, status.losses, status.retryTimes]).toEqual(['succeeded', 0, 0]);
        expect(seen.startsOf(jobId)).toBe(jobId === long ? 2 : 1);
      }
      expect(await cluster.client.failStore.count('submissions')).toBe(0);
      const { records } = await cluster.queue.list({ limit: 1_000 });
      expect(records).toHaveLength(4 + kept.length);
      await cluster.stop();
    });

    it.each([
      ['fire-once', [1, 11, 12]],
      ['skip', [11, 12]],
      ['fire-all', between(1, 12)],
    ] as const)('end: a cron that relies on its previous cycle catches up by %s', async (misfire, expected) => {
      const cluster = await clusterOf(trackers);
      await cluster.startWorker({ jobRunner: () => 'done' });
      const scheduleId = await cluster.submit({ cron: '0 * * * * ?', timeZone: 'UTC', misfire });
      await cluster.advance(minuteMs / 2 - (cluster.time.nowMs % minuteMs));
      cluster.cutAll(true);
      await cluster.advance(10 * minuteMs);
      cluster.cutAll(false);
      await cluster.advance(2 * minuteMs);
      expect(await firedMinutes(cluster, scheduleId)).toEqual(expected);
      const { skipped = 0 } = (await cluster.record(scheduleId)).status;
      expect(skipped).toBe(12 - expected.length);
      await cluster.stop();
    });

    it('end before those of the store: missed slots are judged when it answers again, and none is handed out before', async () => {
      const cluster = await clusterOf(trackers);
      await cluster.startWorker({ jobRunner: () => 'done' });
      const scheduleId = await cluster.submit({ cron: '0 * * * * ?', timeZone: 'UTC', misfire: 'skip' });
      await cluster.advance(minuteMs / 2 - (cluster.time.nowMs % minuteMs));
      cluster.cutAll(true);
      await cluster.advance(10 * minuteMs);
      const refusals = (['list', 'claim'] as const).map((verb) =>
        vi.spyOn(cluster.queue, verb).mockRejectedValue(new LtsError('LTS_STORE_FAILED', 'The store is away.')),
      );
      cluster.cutAll(false);
      await cluster.advance(3_000);
      for (const refusal of refusals) refusal.mockRestore();
      await cluster.advance(2 * minuteMs);
      expect(await firedMinutes(cluster, scheduleId)).toEqual([11, 12]);
      await cluster.stop();
    });

    it('end: independent slots were fired on time and run then, each once', async () => {
      const cluster = await clusterOf(trackers);
      await cluster.startWorker({ jobRunner: () => 'done' });
      const job: Job = { cron: '0 * * * * ?', timeZone: 'UTC', relyOnPrevCycle: false };
      const scheduleId = await cluster.submit(job);
      await cluster.advance(minuteMs / 2 - (cluster.time.nowMs % minuteMs));
      cluster.cutAll(true);
      await cluster.advance(10 * minuteMs);
      cluster.cutAll(false);
      await cluster.advance(2 * minuteMs);
      expect(await firedMinutes(cluster, scheduleId)).toEqual(between(1, 12));
      await cluster.stop();
    });
  },
);

describe('ten seconds in which one of three trackers is cut off', () => {
  it.each(['skip', 'fire-all'] as const)('leave alone a %s slot that waited for its worker before', async (misfire) => {
    const cluster = await clusterOf(3);
    const scheduleId = await cluster.submit({ cron: '0 * * * * ?', timeZone: 'UTC', misfire });
    await cluster.advance(2 * minuteMs - (cluster.time.nowMs % minuteMs) + 30_000);
    const [cut] = cluster.peers;
    if (cut) cut.node.isCut = true;
    await cluster.advance(10_000);
    if (cut) cut.node.isCut = false;
    await cluster.advance(2_000);
    await cluster.startWorker({ jobRunner: () => 'done' });
    await cluster.advance(minuteMs);
    expect(await firedMinutes(cluster, scheduleId)).toEqual([1, 3]);
    await cluster.stop();
  });
});

/** The policies are the same code over every store; an hour of a worker's calls is dear over real servers. */
const missedHours = [
  ['fire-all', true, between(10, 80, 10)],
  ['fire-once', false, [10, 70, 80]],
  ['fire-once', true, [10, 70, 80]],
  ['skip', true, [70, 80]],
  ['skip', false, [70, 80]],
  ['fire-all', false, between(10, 80, 10)],
] as const;

describe('an hour without any tracker', () => {
  it.each(shape === 'large' ? missedHours.slice(0, 2) : missedHours)(
    'and three that start in the same instant: %s, relyOnPrevCycle %s',
    async (misfire, relyOnPrevCycle, expected) => {
      const cluster = await clusterOf(3);
      await cluster.startWorker({ jobRunner: () => 'done' });
      const scheduleId = await cluster.submit({ cron: '0 */10 * * * ?', timeZone: 'UTC', misfire, relyOnPrevCycle });
      await cluster.advance(5 * minuteMs - (cluster.time.nowMs % minuteMs));
      for (const peer of cluster.peers) await peer.kill();
      await cluster.advance(hourMs);
      await cluster.startPeers('t4', 't5', 't6');
      await cluster.advance(15 * minuteMs + 30_000);
      expect(await firedMinutes(cluster, scheduleId)).toEqual(expected);
      expect((await cluster.record(scheduleId)).status.skipped ?? 0).toBe(8 - expected.length);
      await cluster.stop();
    },
  );

  it('is not what one finds that starts beside others: a slot that waits for its worker is left alone', async () => {
    const cluster = await clusterOf(2);
    const scheduleId = await cluster.submit({ cron: '0 * * * * ?', timeZone: 'UTC', misfire: 'skip' });
    await cluster.advance(2 * minuteMs - (cluster.time.nowMs % minuteMs) + 30_000);
    await cluster.startPeer('t3');
    await cluster.startWorker({ jobRunner: () => 'done' });
    await cluster.advance(minuteMs);
    expect(await firedMinutes(cluster, scheduleId)).toEqual([1, 3]);
    await cluster.stop();
  });
});

describe('trackers, workers and clients whose clocks are hours apart', () => {
  const offsets = [0, hourMs, -hourMs, 2 * hourMs];

  async function skewed(): Promise<TestCluster> {
    const cluster = await TestCluster.open();
    for (const [i, identity] of ['t1', 't2', 't3'].entries()) {
      cluster.clockOffsetMs = offsets[i] as number;
      await cluster.startPeer(identity, { keepEndedMs: 0 });
    }
    cluster.clockOffsetMs = offsets[3] as number;
    cluster.client = await cluster.startClient();
    return cluster;
  }

  it('run delays, retries and expiry on time', async () => {
    const cluster = await skewed();
    const starts = new Map<string, number[]>();
    const jobRunner = ({ job, attempt }: JobContext) => {
      starts.set(job.jobId, [...(starts.get(job.jobId) ?? []), cluster.time.nowMs]);
      if ((job.params as { fails?: boolean }).fails && attempt === 1) throw new Error('the first time');
      return 'done';
    };
    await cluster.startWorker({ jobRunner });
    await cluster.advance(1_000);
    const at = cluster.time.nowMs;
    const wall = cluster.clock.wallMs();
    const jobs: Job[] = between(0, 5).flatMap(() => [
      { delay: 20_000 },
      { triggerTime: wall + 20_000 },
      { params: { fails: true }, retryInterval: 20_000 },
    ]);
    const jobIds = await cluster.submitAll(jobs);
    const expired = await cluster.submit({ delay: 60_000, expireAt: wall + 30_000 });
    const fresh = await cluster.submit({ delay: 60_000, expireAt: wall + 90_000 });
    await cluster.advance(70_000);
    for (const jobId of jobIds) {
      const started = (starts.get(jobId)?.at(-1) ?? 0) - at;
      expect(started).toBeGreaterThanOrEqual(20_000);
      expect(started).toBeLessThan(20_200);
    }
    expect([await cluster.state(expired), await cluster.state(fresh)]).toEqual(['expired', 'succeeded']);
    await cluster.stop();
  });

  it('fire each slot once, on time, while trackers die', async () => {
    const cluster = await skewed();
    const late: number[] = [];
    const jobRunner = ({ job }: JobContext) => {
      const slotAt = Number(job.jobId.split('.').at(-1));
      late.push(cluster.clock.wallMs() - slotAt);
    };
    await cluster.startWorker({ jobRunner });
    const scheduleId = await cluster.submit({ cron: '*/5 * * * * ?', timeZone: 'UTC', relyOnPrevCycle: false });
    for (let round = 0; round < 10; round++) {
      await cluster.advance(30_000);
      await cluster.peers[0]?.kill();
      cluster.clockOffsetMs = offsets[round % 4] as number;
      await cluster.startPeer(`t${round + 4}`);
    }
    await cluster.advance(30_000);
    const slots = (await cluster.instances(scheduleId)).map(({ body }) => body.origin?.slot.at ?? 0);
    const gaps = slots.slice(1).map((slotAt, i) => slotAt - (slots[i] as number));
    expect(new Set(gaps)).toEqual(new Set([5_000]));
    expect(slots.length).toBeGreaterThanOrEqual(65);
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
    await cluster.stop();
  });

  it('keep a silent session for its lease, and what ended for ten minutes', async () => {
    const cluster = await skewed();
    const doomed = await cluster.startWorker({ jobRunner: () => cluster.clock.sleep(hourMs) });
    await cluster.advance(1_000);
    const lost = await cluster.submit({});
    await cluster.advance(1_000);
    const cutAt = cluster.time.nowMs;
    doomed.node.isCut = true;
    await cluster.startWorker({ jobRunner: () => 'done' });
    await cluster.untilEnded(lost, 60_000);
    expect(cluster.time.nowMs - cutAt).toBeGreaterThan(25_000);
    expect(cluster.time.nowMs - cutAt).toBeLessThan(46_000);
    await cluster.advance(9 * minuteMs);
    expect(await cluster.state(lost)).toBe('succeeded');
    await cluster.advance(3 * minuteMs);
    await expect(cluster.record(lost)).rejects.toThrow('no record');
    await cluster.stop();
  });
});

describe('a process that is frozen for a minute', () => {
  it('as a worker: its run is told to stop in its first turn, and its late result changes nothing', async () => {
    const cluster = await clusterOf(3);
    const frozen = new Seen(cluster);
    const worker = await cluster.startWorker({ jobRunner: frozen.run });
    const jobId = await cluster.submit({ params: { takesMs: 90_000 } });
    await cluster.advance(1_000);
    worker.node.life.freeze();
    const rerun = new Seen(cluster);
    await cluster.startWorker({ jobRunner: rerun.run });
    await cluster.advance(60_000);
    expect(rerun.startsOf(jobId)).toBe(1);
    expect(frozen.aborts).toEqual([]);
    worker.node.life.thaw();
    await cluster.advance(1);
    expect(frozen.aborts).toEqual([`${jobId} lease-lost`]);
    const { status } = await cluster.untilEnded(jobId);
    expect([status.state, status.attempt, status.losses]).toEqual(['succeeded', 2, 1]);
    expect([frozen.startsOf(jobId), rerun.startsOf(jobId)]).toEqual([1, 1]);
    await cluster.stop();
  });

  it('as a tracker: its worker goes on elsewhere, and it kills nobody when it is back', async () => {
    const cluster = await clusterOf(3);
    const seen = new Seen(cluster);
    await cluster.startWorker({ jobRunner: seen.run });
    const jobId = await cluster.submit({ params: { takesMs: 150_000 } });
    await cluster.advance(2_000);
    const serving = (await cluster.leases.list())[0]?.tracker;
    const tracker = cluster.peers.find(({ identity }) => identity === serving);
    tracker?.node.life.freeze();
    await cluster.advance(60_000);
    tracker?.node.life.thaw();
    const { status } = await cluster.untilEnded(jobId);
    expect([status.state, status.attempt, status.losses, seen.aborts]).toEqual(['succeeded', 1, 0, []]);
    await cluster.stop();
  });
});

it('a worker that no tracker serves says so once a minute, and when one does', async () => {
  const cluster = await TestCluster.open();
  const { node } = await cluster.startWorker({ jobRunner: () => 1 });
  await cluster.advance(70_000);
  await cluster.startTracker();
  await cluster.advance(2_000);
  const lines = cluster.log.filter((line) => line.node === node.name).map(({ level, text }) => `${level} ${text}`);
  const away = expect.stringMatching(
    /^warn No JobTracker serves this node \(The request to \S*lts\.test\.runs has no responders.*\)\. It gets no jobs.*Start a JobTracker/,
  );
  expect(lines).toEqual([away, away, 'info a JobTracker serves this node again']);
  await cluster.stop();
});
