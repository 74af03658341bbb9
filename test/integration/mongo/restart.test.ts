/** A server that is stopped and started again under the feet of a tracker. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { settled } from '../../conformance/queue-under-test.js';
import { aRun } from '../../helpers/records.js';
import { whyNoRestarts } from '../../servers/mongo-server.js';
import { FlakyProxy } from './flaky-proxy.js';
import { MongoPlace } from './mongo-place.js';

const title = `a restart${whyNoRestarts === undefined ? '' : ` (skipped: ${whyNoRestarts})`}`;

describe.skipIf(whyNoRestarts !== undefined)(title, () => {
  it('loses nothing and is noticed by nobody who waits', { timeout: 60_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lts-mongo-'));
    const file = join(folder, 'data');
    const place = new MongoPlace();
    await place.start({ file });
    const proxy = new FlakyProxy(place.running.host);
    await proxy.start();
    const pool = await place.queue({ addresses: proxy.url, commandMs: 2_000, retryMs: 30_000 });
    const runs = Array.from({ length: 100 }, (_, i) => aRun({ jobId: `J${i}` }));
    await pool.queue.add(runs);

    await place.stop();
    const settling = pool.queue.update(runs.map((before) => ({ before, after: settled(before) })));
    await place.start({ file });
    proxy.target = place.running.host;

    expect(await settling).toEqual(runs.map((run) => settled(run)));
    expect(await pool.queue.count()).toEqual({ g: { succeeded: 100 } });
    await pool.connection.close();
    await proxy.stop();
    await place.stop();
    await rm(folder, { recursive: true });
  });
});
