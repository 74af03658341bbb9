/** Binds the suites of the JobQueue, JobLogger and Leases ports to MongoDB. */
import { MongoJobLogger } from '../../../src/adapters/mongo/mongo-job-logger.js';
import type { MongoJobQueue } from '../../../src/adapters/mongo/mongo-job-queue.js';
import { MongoLeases } from '../../../src/adapters/mongo/mongo-leases.js';
import { jobLoggerSuite } from '../../conformance/job-logger.suite.js';
import { jobQueueSuite } from '../../conformance/job-queue.suite.js';
import { jobQueueReadsSuite } from '../../conformance/job-queue-reads.suite.js';
import { leasesSuite } from '../../conformance/leases.suite.js';
import type { QueueUnderTest } from '../../conformance/queue-under-test.js';
import { type MongoPlace, withMongo } from './mongo-place.js';

async function onMongo(place: MongoPlace): Promise<QueueUnderTest> {
  const database = place.newDatabase();
  let pool = await place.queue({ database });
  const reopen = async (): Promise<MongoJobQueue> => {
    await pool.queue.close();
    await pool.connection.close();
    pool = await place.queue({ database });
    return pool.queue;
  };
  const end = async (): Promise<void> => {
    await pool.queue.close();
    await place.end(pool);
  };
  return { queue: pool.queue, reopen, end };
}

withMongo('on a server', (place) => {
  jobQueueSuite('mongo', () => onMongo(place));
  jobQueueReadsSuite('mongo', () => onMongo(place));
  jobLoggerSuite('mongo', async () => {
    const pool = await place.open();
    const logger = new MongoJobLogger(pool.connection);
    await logger.open();
    const end = async (): Promise<void> => {
      await logger.close();
      await place.end(pool);
    };
    return { logger, end };
  });
  leasesSuite('mongo', async () => {
    const pool = await place.open();
    const leases = new MongoLeases(pool.connection);
    await leases.open();
    const end = async (): Promise<void> => {
      await leases.close();
      await place.end(pool);
    };
    return { leases, end };
  });
});
