/** Binds the suite of the JobLogger port to its adapters. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LmdbEnvironment } from '../../src/adapters/lmdb/environment.js';
import { LmdbJobLogger } from '../../src/adapters/lmdb/lmdb-job-logger.js';
import { MemoryJobLogger } from '../../src/adapters/memory/memory-job-logger.js';
import { jobLoggerSuite } from './job-logger.suite.js';

jobLoggerSuite('memory', async () => {
  const logger = new MemoryJobLogger();
  await logger.open();
  return { logger, end: () => logger.close() };
});

jobLoggerSuite('lmdb', async () => {
  const path = await mkdtemp(join(tmpdir(), 'lts-log-'));
  const environment = await LmdbEnvironment.open({ path });
  const logger = new LmdbJobLogger(environment);
  await logger.open();
  const end = async (): Promise<void> => {
    await logger.close();
    await environment.close();
    await rm(path, { recursive: true });
  };
  return { logger, end };
});
