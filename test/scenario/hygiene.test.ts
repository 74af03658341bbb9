/** Nothing grows and nothing is left: maps stay small while many jobs pass, and a stopped cluster is silent. */
import { describe, expect, it } from 'vitest';
import { shape } from '../helpers/ground.js';
import { startCluster, type TestCluster } from '../helpers/start-cluster.js';

/** Entries in all maps, sets, arrays and queues that can be reached from an object, by path; ports and settings are not entered. */
function sizes(root: object): Map<string, number> {
  const found = new Map<string, number>();
  const seen = new Set<unknown>();
  const skipped = /^(ports|parts|settings|options|clock|transport|queue|logger|failStore|codec|log|subjects|network)$/;
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null || seen.has(value) || value instanceof Promise) return;
    seen.add(value);
    const count =
      value instanceof Map || value instanceof Set ? value.size : Array.isArray(value) ? value.length : undefined;
    if (count !== undefined) {
      found.set(path, Math.max(count, found.get(path) ?? 0));
      for (const item of value instanceof Map ? value.values() : (value as Iterable<unknown>)) visit(item, `${path}[]`);
      return;
    }
    for (const [key, child] of Object.entries(value)) if (!skipped.test(key)) visit(child, `${path}.${key}`);
  };
  visit(root, '');
  return found;
}

/** Time passes for an hour of silence; answers how many events there were after the first ten seconds. */
async function eventsAfterwards(cluster: TestCluster): Promise<number> {
  // The one timer of all deadlines wakes for the longest poll that was given up.
  await cluster.advance(25_000);
  const { events } = cluster.time;
  await cluster.advance(3_600_000);
  return cluster.time.events - events;
}

describe('what remains', () => {
  // A server that only speaks MongoDB's protocol takes minutes where the others take seconds.
  const rounds = shape === 'large' ? 1 : 10;
  it(`${rounds},000 jobs leave every map of the roles as small as it was`, async () => {
    let told = 0;
    const cluster = await startCluster({
      tracker: { keepEndedMax: 100 },
      client: {
        onComplete: (results) => {
          told += results.length;
        },
      },
    });
    const worker = await cluster.startWorker({
      workThreads: 256,
      jobRunner: (context) => {
        context.bizLogger.info('x');
        context.progress(50);
        if (context.attempt === 1 && context.job.getParam('n') % 50 === 0) throw new Error('once');
        return context.signal.aborted;
      },
    });
    for (let round = 0; round < rounds; round++) {
      await cluster.submitAll(Array.from({ length: 1_000 }, (_, n) => ({ taskId: `T${round}-${n}`, params: { n } })));
    }
    await cluster.advance(120_000);
    expect(told).toBe(rounds * 1_000);
    const roles = { tracker: cluster.tracker.role, worker: worker.role, client: cluster.client.role };
    const large = [...sizes(roles)].filter(([, size]) => size > 10);
    expect(large).toEqual([]);
    await cluster.stop();
  }, 60_000);

  it('many groups, keys, followers and schedules that came and went leave no entry each', async () => {
    const cluster = await startCluster();
    const worker = await cluster.startWorker({ jobRunner: () => 1 });
    const { role } = cluster.client;
    const results = Array.from({ length: 100 }, async (_, i) => {
      const jobId = await cluster.submit({ taskId: `T${i}`, submitNodeGroup: `web${i}`, needFeedback: true });
      return cluster.until(role.result(jobId));
    });
    await Promise.all(results);
    for (let i = 0; i < 30; i++) await cluster.submit({ nodeGroup: `nobody${i}` });
    const schedules = await cluster.submitAll(
      Array.from({ length: 30 }, () => ({ repeat: { interval: '10s', count: 2 } })),
    );
    for (let i = 0; i < 30; i++) await cluster.until(role.ask('CancelJob', { jobId: schedules[i] as string }));
    await cluster.advance(120_000);
    const large = [...sizes({ tracker: cluster.tracker.role, worker: worker.role, client: role })].filter(
      ([, size]) => size > 10,
    );
    // One batcher for each group that is owed feedback, bounded by its own rule.
    expect(large.filter(([path]) => path !== '.tracker.feedback.groups')).toEqual([]);
    await cluster.stop();
  });

  it('workers that come and go leave no session', async () => {
    const cluster = await startCluster();
    for (let i = 0; i < 15; i++) {
      const worker = await cluster.startWorker({ jobRunner: () => 1 });
      await cluster.untilEnded(await cluster.submit());
      if (i % 2) await worker.kill();
      else await worker.stop();
    }
    // Where trackers share a store, records of dead sessions are kept for ten leases.
    await cluster.advance(600_000);
    const grown = [...sizes({ tracker: cluster.tracker.role })].filter(([, size]) => size > 5);
    // The ids of sessions that are over are remembered, the newest of them, so that a late message begins none of them again.
    expect(grown.filter(([path]) => !path.endsWith('.givenUp'))).toEqual([]);
    await cluster.stop();
  });
});

describe('silence after stop', () => {
  it('no timer and no request is left of a cluster that was busy', async () => {
    const cluster = await startCluster({ client: { onComplete: () => undefined } });
    await cluster.startWorker({ jobRunner: ({ signal }) => cluster.clock.sleep(60_000, signal) });
    await cluster.submitAll([{}, { timeout: '1h' }, { delay: '2h' }, { repeat: { interval: '1m', count: -1 } }]);
    await cluster.advance(3_000);
    const follower = cluster.client.role
      .result(await cluster.submit({ delay: '1h' }))
      .catch((error: { code: string }) => error.code);
    await cluster.advance(1_000);
    await cluster.stop();
    expect(await follower).toBe('LTS_NOT_STARTED');
    expect(await eventsAfterwards(cluster)).toBe(0);
  });

  it('a tracker that stops first leaves none of its long polls behind', async () => {
    const cluster = await startCluster();
    const jobId = await cluster.submit({ delay: '1h' });
    const follower = cluster.client.role
      .result(jobId, { timeout: '10s' })
      .catch((error: { code: string }) => error.code);
    await cluster.advance(1_000);
    await cluster.stopTracker();
    expect(await cluster.until(follower)).toBe('LTS_TIMEOUT');
    await cluster.stop();
    expect(await eventsAfterwards(cluster)).toBe(0);
  });

  it('an idle cluster does nothing but beat, pull and look after its schedules', async () => {
    const cluster = await startCluster();
    await cluster.startWorker({ jobRunner: () => 1 });
    await cluster.advance(60_000);
    const worker = cluster.time.events;
    await cluster.advance(600_000);
    // Each second two duties; each five seconds two pulls and a renewal, with their ways, and the client's replay.
    expect((cluster.time.events - worker) / 600).toBeLessThan(8);
    await cluster.stop();
  });
});
