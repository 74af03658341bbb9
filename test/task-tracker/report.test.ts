/** A result is the worker's until a tracker has recorded what became of it. */
import { expect, it } from 'vitest';
import type { Transport } from '../../src/ports/transport.js';
import { startCluster } from '../helpers/start-cluster.js';

it('of a job that the tracker does not know is put aside and told of; a stale one is the tracker’s, which recorded it', async () => {
  const cluster = await startCluster();
  let answer = 'unknown';
  // The store of another cluster, or one that was put back to an older state, would answer like this.
  const through = ({ transport }: { transport: Transport }): Transport => ({
    ...transport,
    isForeign: transport.isForeign,
    request: async (subject, message, options) => {
      const reply = await transport.request(subject, message, options);
      if (message.kind !== 'ReportRuns') return reply;
      return { ...(reply as object), answers: (reply as { answers: unknown[] }).answers.map(() => answer) };
    },
    publish: (...list) => transport.publish(...list),
    subscribe: (...list) => transport.subscribe(...list),
    isUp: () => transport.isUp(),
    close: () => transport.close(),
  });
  const { failStore } = await cluster.startWorker({ through, jobRunner: () => 'kept' });
  const jobId = await cluster.submit();
  await cluster.untilTrue(async () => (await failStore.quarantined('results')).length > 0);
  const [aside] = await failStore.quarantined('results');
  expect(JSON.parse(aside?.value ?? '')).toMatchObject({ jobId, outcome: { kind: 'success', result: '"kept"' } });
  expect(cluster.log.filter(({ level, text }) => level === 'error' && text.includes('put aside')).length).toBe(1);
  answer = 'stale';
  await cluster.untilEnded(await cluster.submit());
  await cluster.advance(60_000);
  expect([await failStore.count('results'), (await failStore.quarantined('results')).length]).toEqual([0, 1]);
  await cluster.stop();
});
