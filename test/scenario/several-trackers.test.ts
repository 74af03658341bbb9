/** Several JobTrackers on one store: a job goes its way whichever of them it meets, and whichever of them dies. */
import { describe, expect, it } from 'vitest';
import type { Transport } from '../../src/ports/transport.js';
import type { BodyOf, MessageKind, ReplyOf, SubmittedTrigger } from '../../src/protocol/messages.js';
import { askedAt } from '../helpers/asked-at.js';
import { type Peer, TestCluster, type TestNode } from '../helpers/start-cluster.js';

async function several(...identities: string[]): Promise<TestCluster> {
  const cluster = await TestCluster.open();
  for (const identity of identities) await cluster.startPeer(identity);
  cluster.client = await cluster.startClient();
  return cluster;
}

/** Asks one of the trackers by its name. */
function askAt<K extends MessageKind>(cluster: TestCluster, tracker: string, kind: K, body: BodyOf<K>) {
  const transport = cluster.network.transport();
  const reply = transport.request(askedAt(kind, tracker), { kind, body }, { deadlineMs: 30_000 });
  return reply as Promise<ReplyOf<K>>;
}

let submitted = 0;

async function submitAt(
  cluster: TestCluster,
  tracker: string,
  trigger: SubmittedTrigger,
  params = {},
): Promise<string> {
  const jobId = `J${++submitted}`;
  const body = { nodeGroup: 'lts', params: JSON.stringify(params), priority: 100, lane: '', retry: {} };
  const job = { jobId, body: { ...body, needFeedback: false, submittedAt: 0 }, trigger };
  const rest = { replaceOnExist: false, relyOnPrevCycle: false, misfire: 'fire-once' } as const;
  const { answers } = await cluster.until(askAt(cluster, tracker, 'SubmitJobs', { jobs: [{ ...job, ...rest }] }));
  if (answers[0]?.code !== 'accepted') throw new Error(`${answers[0]?.code}: ${answers[0]?.msg}`);
  return jobId;
}

const now: SubmittedTrigger = { kind: 'delay', delayMs: 0 };

/** The tracker that serves the only worker, and one that does not. */
async function servingOf(cluster: TestCluster): Promise<[serving: string, other: string]> {
  const serving = (await cluster.leases.list()).find(({ state }) => state === 'alive')?.tracker ?? '';
  return [serving, cluster.peers.map(({ identity }) => identity).find((identity) => identity !== serving) ?? ''];
}

describe('a job accepted by one tracker', () => {
  it('starts within milliseconds at a worker that is parked at another', async () => {
    const cluster = await several('t1', 't2', 't3');
    await cluster.startWorker({ jobRunner: () => 'done' });
    await cluster.advance(1_000);
    const [, other] = await servingOf(cluster);
    const jobId = await submitAt(cluster, other, now);
    await cluster.untilEnded(jobId, 50);
    expect(await cluster.state(jobId)).toBe('succeeded');
    await cluster.stop();
  });

  it('starts within five seconds if the hint is lost', async () => {
    const cluster = await several('t1', 't2');
    await cluster.startWorker({ jobRunner: () => 'done' });
    await cluster.advance(1_000);
    const [, other] = await servingOf(cluster);
    for (const { node } of cluster.peers) node.isMute = true;
    await cluster.untilEnded(await submitAt(cluster, other, now), 5_200);
    await cluster.stop();
  });

  it('starts on time where it waited for its time', async () => {
    const cluster = await several('t1', 't2');
    const starts: number[] = [];
    await cluster.startWorker({ jobRunner: () => void starts.push(cluster.time.nowMs) });
    await cluster.advance(1_000);
    const [, other] = await servingOf(cluster);
    const at = cluster.time.nowMs;
    await submitAt(cluster, other, { kind: 'delay', delayMs: 3_000 });
    await submitAt(cluster, other, { kind: 'delay', delayMs: 9_000 });
    await cluster.untilTrue(() => starts.length === 2, 20_000);
    for (const [i, dueMs] of [3_000, 9_000].entries()) {
      expect((starts[i] as number) - at).toBeGreaterThanOrEqual(dueMs);
      expect((starts[i] as number) - at).toBeLessThan(dueMs + 100);
    }
    await cluster.stop();
  });

  it('is known to be over, within milliseconds, to who waits at another', async () => {
    const cluster = await several('t1', 't2');
    await cluster.startWorker({ jobRunner: () => cluster.clock.sleep(3_400) });
    await cluster.advance(1_000);
    const [serving, other] = await servingOf(cluster);
    const jobId = await submitAt(cluster, serving, now);
    await cluster.advance(100);
    const { rev } = (await cluster.record(jobId)).status;
    const news = askAt(cluster, other, 'AwaitJob', { jobId, afterRev: rev, waitMs: 20_000, isLogWanted: false });
    const { job } = await cluster.until(news, 3_350);
    expect(job?.status.state).toBe('succeeded');
    await cluster.stop();
  });

  it('is known to be over within a second if the hint is lost', async () => {
    const cluster = await several('t1', 't2');
    await cluster.startWorker({ jobRunner: () => cluster.clock.sleep(3_000) });
    await cluster.advance(1_000);
    const [serving, other] = await servingOf(cluster);
    const jobId = await submitAt(cluster, serving, now);
    await cluster.advance(100);
    for (const { node } of cluster.peers) node.isMute = true;
    const { rev } = (await cluster.record(jobId)).status;
    const news = askAt(cluster, other, 'AwaitJob', { jobId, afterRev: rev, waitMs: 20_000, isLogWanted: false });
    expect((await cluster.until(news, 4_100)).job?.status.state).toBe('succeeded');
    await cluster.stop();
  });
});

describe('a tracker that is asked why a job waits', () => {
  it('says so when the workers that may take it are at others', async () => {
    const cluster = await several('t1', 't2');
    await cluster.startWorker({ jobRunner: () => cluster.clock.sleep(60_000), workThreads: 1 });
    await cluster.advance(1_000);
    const [serving, other] = await servingOf(cluster);
    await submitAt(cluster, other, now);
    const jobId = await submitAt(cluster, other, now);
    await cluster.advance(1_000);
    const why = await cluster.until(askAt(cluster, other, 'ExplainJob', { jobId }));
    expect(why).toMatchObject({ code: 'no-free-slot', facts: { workers: 1, workersElsewhere: 1 } });
    expect(why.text).toMatch(/^No slot of group lts is free at this tracker; 1 of its 1 workers are at others/);
    const there = await cluster.until(askAt(cluster, serving, 'ExplainJob', { jobId }));
    expect(there.text).toBe('Every slot of group lts is taken. Add workers or workThreads.');
    await cluster.stop();
  });
});

describe('a worker whose tracker dies', () => {
  it('goes on with the same session at another: its run is neither stopped nor lost', async () => {
    const cluster = await several('t1', 't2', 't3');
    const aborted: unknown[] = [];
    const jobRunner = ({ signal }: { signal: AbortSignal }) => {
      signal.addEventListener('abort', () => aborted.push(signal.reason));
      return cluster.clock.sleep(40_000);
    };
    await cluster.startWorker({ jobRunner });
    await cluster.advance(1_000);
    const [serving, other] = await servingOf(cluster);
    const jobId = await submitAt(cluster, other, now);
    await cluster.advance(1_000);
    const session = (await cluster.record(jobId)).status.session;
    await cluster.peers.find(({ identity }) => identity === serving)?.kill();
    const { status } = await cluster.untilEnded(jobId);
    expect([status.state, status.attempt, status.losses, aborted]).toEqual(['succeeded', 1, 0, []]);
    const lease = (await cluster.leases.list()).find((one) => one.session === session);
    expect(lease).toMatchObject({ state: 'alive' });
    expect(lease?.tracker).not.toBe(serving);
    await cluster.stop();
  });

  it('gets jobs again within seconds', async () => {
    const cluster = await several('t1', 't2');
    await cluster.startWorker({ jobRunner: () => 'done' });
    await cluster.advance(7_000);
    const [serving, other] = await servingOf(cluster);
    await cluster.peers.find(({ identity }) => identity === serving)?.kill();
    await cluster.untilEnded(await submitAt(cluster, other, now), 8_000);
    await cluster.stop();
  });

  it('and dies with it: the master finds out, and the run begins again within seconds', async () => {
    const cluster = await several('t1', 't2');
    const doomed = await cluster.startWorker({ jobRunner: () => cluster.clock.sleep(60_000) });
    await cluster.advance(1_000);
    const [serving, other] = await servingOf(cluster);
    const jobId = await submitAt(cluster, other, now);
    await cluster.advance(1_000);
    await cluster.peers.find(({ identity }) => identity === serving)?.kill();
    await doomed.kill();
    await cluster.startWorker({ jobRunner: () => 'done' });
    const { status } = await cluster.untilEnded(jobId, 11_000);
    expect([status.state, status.attempt, status.losses]).toEqual(['succeeded', 2, 1]);
    await cluster.stop();
  });
});

describe('a session that went over to another tracker', () => {
  it('is dropped by the one that lost it, which was only cut off', async () => {
    const cluster = await several('t1', 't2');
    // Asked by name: a server goes on to offer to the one that is cut off, now and then, what any tracker may take.
    let any = 't1';
    const through = ({ transport }: TestNode): Transport => ({
      ...transport,
      request: (subject, message, options) =>
        transport.request(subject === askedAt('StartSession') ? `${subject}.${any}` : subject, message, options),
    });
    await cluster.startWorker({ jobRunner: () => 'done', through });
    await cluster.advance(1_000);
    const lost = cluster.peers[0] as Peer;
    expect(await servingOf(cluster)).toEqual([lost.identity, 't2']);
    lost.node.isCut = true;
    any = 't2';
    await cluster.untilTrue(async () => (await servingOf(cluster))[0] === 't2', 25_000);
    lost.node.isCut = false;
    await cluster.advance(6_000);
    const [lease] = await cluster.leases.list();
    const pull = { session: lease?.session ?? '', pullId: 99, slots: 1, waitMs: 1_000 };
    expect(await cluster.until(askAt(cluster, 't1', 'PullJobs', pull))).toMatchObject({ answer: 'elsewhere' });
    await cluster.untilEnded(await submitAt(cluster, 't1', now), 1_000);
    await cluster.stop();
  });
});
