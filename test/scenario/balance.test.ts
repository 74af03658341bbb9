/** Nodes that choose their JobTracker: where they go, and that work goes on when what they know of the trackers is wrong. */
import { describe, expect, it } from 'vitest';
import { ChoosingTransport } from '../../src/cluster/choosing-transport.js';
import { type LoadBalance, TrackerChoice } from '../../src/cluster/tracker-choice.js';
import { subjectsOf } from '../../src/protocol/subjects.js';
import { TestCluster, type TestNode } from '../helpers/start-cluster.js';

const subjects = subjectsOf('test');
const trackers = ['t1', 't2', 't3'];

async function aCluster(by: Exclude<LoadBalance, 'random'>, kinds?: readonly string[]) {
  const cluster = new TestCluster();
  for (const identity of trackers) await cluster.startPeer(identity);
  const choices: TrackerChoice[] = [];
  /** As a registry would, to everyone that chooses. */
  const list = (identities: readonly string[]) => {
    const nodes = identities.map((identity, startedAt) => ({ identity, startedAt }));
    for (const choice of choices) choice.know({ nodes });
  };
  const through = ({ name, clock, transport }: TestNode) => {
    const choice = new TrackerChoice(by, { identity: name, clock });
    choices.push(choice);
    list(trackers);
    return new ChoosingTransport(transport, {
      choice,
      any: kinds ? subjects.runs : subjects.tracker,
      of: kinds ? subjects.runsOf : subjects.trackerOf,
      kinds,
    });
  };
  const serving = async () =>
    (await cluster.leases.list()).filter(({ state }) => state === 'alive').map(({ tracker }) => tracker);
  const kill = async (identity: string) => cluster.peers.find((peer) => peer.identity === identity)?.kill();
  return { cluster, list, through, serving, kill };
}

describe('TaskTrackers by master-slave', () => {
  it('are all served by the master, and when it is killed by the next, though the registry still lists the dead one', async () => {
    const { cluster, through, serving, kill } = await aCluster('master-slave', ['StartSession']);
    cluster.client = await cluster.startClient();
    for (let i = 0; i < 4; i++) await cluster.startWorker({ jobRunner: () => 'done', through });
    await cluster.advance(1_000);
    expect(await serving()).toEqual(['t1', 't1', 't1', 't1']);
    await kill('t1');
    await cluster.advance(10_000);
    expect(await serving()).toEqual(['t2', 't2', 't2', 't2']);
    await cluster.untilEnded(await cluster.submit({}));
    await cluster.stop();
  });

  it('stay where they are when the master comes back', async () => {
    const { cluster, list, through, serving } = await aCluster('master-slave', ['StartSession']);
    await cluster.startWorker({ jobRunner: () => 'done', through });
    list(['t3', 't1', 't2']);
    await cluster.advance(20_000);
    expect(await serving()).toEqual(['t1']);
    await cluster.stop();
  });
});

describe('TaskTrackers by round-robin', () => {
  it('go to the next in turn with each move', async () => {
    const { cluster, through, serving, kill } = await aCluster('round-robin', ['StartSession']);
    await cluster.startWorker({ jobRunner: () => 'done', through });
    await cluster.advance(1_000);
    const [first = ''] = await serving();
    await kill(first);
    await cluster.advance(10_000);
    expect(await serving()).toEqual([trackers[(trackers.indexOf(first) + 1) % 3]]);
    await cluster.stop();
  });

  it('are served though the registry lists only trackers that are not there', async () => {
    const { cluster, list, through, serving } = await aCluster('round-robin', ['StartSession']);
    const behind = (node: TestNode) => {
      const transport = through(node);
      list(['x1', 'x2', 'x3', 'x4']);
      return transport;
    };
    await cluster.startWorker({ jobRunner: () => 'done', through: behind });
    await cluster.advance(1_000);
    expect(trackers).toContain((await serving())[0]);
    await cluster.stop();
  });
});

describe('a JobClient by consistent-hash', () => {
  it('submits although its tracker was killed a moment ago, without an unknown outcome', async () => {
    const { cluster, through, kill } = await aCluster('consistent-hash');
    cluster.client = await cluster.startClient({ through });
    await cluster.startWorker({ jobRunner: () => 'done' });
    for (const tracker of ['t1', 't2']) {
      await kill(tracker);
      const outcome = await cluster.until(cluster.client.role.submit({}));
      expect(outcome.code).toBe('accepted');
      expect((await cluster.untilEnded(outcome.jobId)).status.state).toBe('succeeded');
    }
    await cluster.stop();
  });
});
