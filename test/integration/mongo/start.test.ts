/** Opening a store: what is refused, with which words, and what is said of its durability. */
import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { MongoClock, serverTimeOf } from '../../../src/adapters/mongo/mongo-clock.js';
import { MongoJobLogger } from '../../../src/adapters/mongo/mongo-job-logger.js';
import { MongoJobQueue } from '../../../src/adapters/mongo/mongo-job-queue.js';
import { type CheckedServer, checkServer } from '../../../src/adapters/mongo/server-check.js';
import { whatIsGone } from '../../../src/adapters/mongo/store-watch.js';
import { SystemClock } from '../../../src/adapters/system/system-clock.js';
import type { Clock } from '../../../src/ports/clock.js';
import { errorOf, type MongoPlace, withMongo } from './mongo-place.js';

/** A machine whose wall clock is ahead. */
function wrongBy(ms: number): Clock {
  const clock = new SystemClock();
  return {
    wallMs: () => clock.wallMs() + ms,
    monoMs: () => clock.monoMs(),
    sleep: (length, signal) => clock.sleep(length, signal),
    endOfTurn: () => clock.endOfTurn(),
  };
}

withMongo('start', (place: MongoPlace) => {
  it('names the servers that cannot be reached, not the password, within the deadline', async () => {
    const addresses = 'mongodb://scott:tiger@127.0.0.1:1,127.0.0.1:2/lts?serverMonitoringMode=poll';
    const startedAt = performance.now();
    const error = await errorOf(place.open({ addresses, connectMs: 300 }));
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    expect(error).toMatchObject({ code: 'LTS_STORE_FAILED', isRetryable: true });
    expect(error.message).toMatch(
      /^No MongoDB server that takes writes answers at .*@127\.0\.0\.1:1,127\.0\.0\.1:2\/lts.* within 300 ms /,
    );
    expect(error.message).not.toContain('tiger');
  });

  it('gives a server that accepts and never answers no longer than the deadline', async () => {
    const mute = createServer((socket) => socket.on('error', () => {}).resume());
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const { port } = mute.address() as { port: number };
    const error = await errorOf(place.open({ addresses: `127.0.0.1:${port}`, connectMs: 300 }));
    expect(error).toMatchObject({ code: 'LTS_STORE_FAILED' });
    await new Promise((resolve) => mute.close(resolve));
  });

  it('refuses addresses that cannot be read, without their password', async () => {
    const error = await errorOf(place.open({ addresses: 'mongodb://scott:tiger@host:port:1' }));
    expect(error).toMatchObject({ code: 'LTS_CONFIG_INVALID' });
    expect(error.message).not.toContain('tiger');
  });

  it.each([
    'scott:tiger@127.0.0.1:1',
    'mongodb://127.0.0.1:1/?tlsCertificateKeyFilePassword=tiger&appName=x',
    'mongodb://127.0.0.1:1/?proxyHost=127.0.0.1&proxyPort=1&proxyUsername=scott&proxyPassword=tiger',
  ])('a secret outside the login of a URL stood in the error: %s', async (addresses) => {
    const error = await errorOf(place.open({ addresses, connectMs: 100 }));
    expect(error.message).toMatch(/127\.0\.0\.1:1/);
    expect(error.message).not.toContain('tiger');
  });

  it('warns of a single server and names the write concern', async () => {
    const pool = await place.open();
    if (!place.running.isReal) {
      expect(pool.logged).toMatchObject([
        { level: 'warn', fields: { version: '4.4.0', writeConcern: 'majority, journaled' } },
      ]);
    }
    expect(pool.logged[0]?.text).toMatch(/^jobs are kept by a (single MongoDB server|MongoDB replica set|sharded)/);
    await place.end(pool);
  });

  it('refuses a server older than 4.4', async () => {
    const database = { command: async () => ({ version: '4.2.24' }) };
    const old = { place: 'here', database } as unknown as CheckedServer;
    const error = await errorOf(checkServer(old, 'id'));
    expect(error).toMatchObject({ code: 'LTS_CONFIG_INVALID' });
    expect(error.message).toBe(
      'MongoDB at here has version 4.2.24; 4.4 is the oldest that can be used. Update the server.',
    );
  });

  it('refuses a store of another format', async () => {
    const pool = await place.open();
    const { databaseName: database } = pool.connection.database;
    const stores = pool.connection.collection<{ _id: string; format: number }>('store');
    await stores.updateOne({ _id: 'jobs' }, { $set: { format: 99 } });
    const error = await errorOf(place.open({ database }));
    expect(error).toMatchObject({ code: 'LTS_CONFIG_INVALID' });
    expect(error.message).toContain('format 99');
    await place.end(pool);
  });

  it('refuses an index of the right name that is another one, and says which', async () => {
    const pool = await place.open();
    const key = { 'turn.state': 1, 'turn.group': 1, 'turn.dueAt': 1 } as const;
    await pool.connection.collection('jobs').createIndex(key, { name: 'lts_due' });
    const error = await errorOf(new MongoJobQueue(pool.connection).open());
    expect(error).toMatchObject({ code: 'LTS_CONFIG_INVALID' });
    expect(error.message).toMatch(
      /^Index lts_due of collection lts_jobs .* Drop the index; the next start creates it\.$/,
    );
    await place.end(pool);
  });

  it('says of a store in use what is gone: an index, the jobs, the database', async () => {
    const pool = await place.queue();
    const { connection } = pool;
    const jobs = connection.collection('jobs');
    const logs = connection.collection('job_logs');
    expect(await whatIsGone(connection, ['jobs'])).toBeUndefined();
    await new MongoJobLogger(connection).open();
    expect(await whatIsGone(connection, ['jobs', 'job_logs'])).toBeUndefined();
    await logs.dropIndex('lts_line');
    expect(await whatIsGone(connection, ['jobs', 'job_logs'])).toMatch(
      /collection lts_job_logs .* has no usable index lts_line any more, without which a line/,
    );
    await logs.drop();
    expect(await whatIsGone(connection, ['jobs', 'job_logs'])).toMatch(/collection lts_job_logs/);
    await jobs.dropIndex('lts_keys');
    expect(await whatIsGone(connection, ['jobs'])).toMatch(
      /collection lts_jobs in MongoDB at .* has no usable index lts_keys any more, without which a job/,
    );
    await jobs.drop();
    expect(await whatIsGone(connection, ['jobs'])).toMatch(/collection lts_jobs/);
    await connection.database.dropDatabase();
    expect(await whatIsGone(connection, ['jobs'])).toMatch(/the database was dropped or replaced/);
    await place.end(pool);
  });

  it('opens a store that other trackers open at the same moment', async () => {
    const database = place.newDatabase();
    const pools = await Promise.all(Array.from({ length: 4 }, () => place.queue({ database })));
    for (const pool of pools.slice(1)) await pool.connection.close();
    if (pools[0]) await place.end(pools[0]);
  });

  it('knows the time of the server, whatever the own clock shows', async () => {
    const pool = await place.open();
    const { ports } = pool.connection;
    const clock = new MongoClock(serverTimeOf(pool.connection), wrongBy(3_600_000), ports.log);
    await clock.start();
    if (!place.running.isReal) expect(Math.abs(clock.wallMs() - Date.now())).toBeLessThan(clock.errorMs + 5);
    expect(clock.errorMs).toBeLessThan(1_000);
    clock.stop();
    await place.end(pool);
  });

  it('refuses verbs before open and after close', async () => {
    const pool = await place.queue();
    await pool.queue.close();
    expect(await errorOf(pool.queue.get(['J1']))).toMatchObject({ code: 'LTS_NOT_STARTED' });
    expect(await errorOf(pool.queue.add([]))).toMatchObject({ code: 'LTS_NOT_STARTED' });
    await place.end(pool);
  });
});
