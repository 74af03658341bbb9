/** Binds the suite of the JobQueue port to its adapters. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { LmdbEnvironment } from '../../src/adapters/lmdb/environment.js';
import { verifyIndexes } from '../../src/adapters/lmdb/jobs/verify-indexes.js';
import { LmdbJobQueue } from '../../src/adapters/lmdb/lmdb-job-queue.js';
import { MemoryJobQueue } from '../../src/adapters/memory/memory-job-queue.js';
import { jobQueueSuite } from './job-queue.suite.js';
import { jobQueueReadsSuite } from './job-queue-reads.suite.js';
import type { QueueUnderTest } from './queue-under-test.js';

const onMemory = async (): Promise<QueueUnderTest> => {
  const queue = new MemoryJobQueue();
  await queue.open();
  const reopen = async (): Promise<MemoryJobQueue> => {
    await queue.close();
    await queue.open();
    return queue;
  };
  return { queue, reopen, end: () => queue.close() };
};

const onLmdb = async (): Promise<QueueUnderTest> => {
  const path = await mkdtemp(join(tmpdir(), 'lts-queue-'));
  let environment: LmdbEnvironment;
  let queue: LmdbJobQueue;
  const open = async (): Promise<LmdbJobQueue> => {
    environment = await LmdbEnvironment.open({ path });
    queue = new LmdbJobQueue(environment);
    await queue.open();
    return queue;
  };
  const close = async (): Promise<void> => {
    await queue.close();
    await environment.close();
  };
  const end = async (): Promise<void> => {
    expect(verifyIndexes(environment)).toEqual([]);
    await close();
    await rm(path, { recursive: true });
  };
  const reopen = async (): Promise<LmdbJobQueue> => {
    await close();
    return open();
  };
  return { queue: await open(), reopen, end };
};

for (const suite of [jobQueueSuite, jobQueueReadsSuite]) {
  suite('memory', onMemory);
  suite('lmdb', onLmdb);
}
