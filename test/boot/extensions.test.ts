/** Adapters by name: ours, and the user's own. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { MemoryJobLogger } from '../../src/adapters/memory/memory-job-logger.js';
import { MemoryJobQueue } from '../../src/adapters/memory/memory-job-queue.js';
import {
  type Extension,
  JobClient,
  JobTracker,
  LtsError,
  type MasterChangeListener,
  TaskTracker,
} from '../../src/index.js';
import type { JobLogLine } from '../../src/job/log-line.js';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function aPath(): string {
  const path = mkdtempSync(join(tmpdir(), 'lts-extension-'));
  cleanups.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function started<T extends { start(): Promise<T>; stop(): Promise<unknown> }>(node: T): Promise<T> {
  cleanups.push(() => node.stop());
  return node.start();
}

/** Submits one job that says hello in its log, and waits for its end. */
async function runOne(place: object): Promise<string> {
  await started(new TaskTracker({ ...place, jobRunner: ({ bizLogger }) => bizLogger.info('hello') }));
  const client = await started(new JobClient(place));
  const { jobId } = await client.submitJob({});
  await client.result(jobId);
  return jobId;
}

describe('an extension', () => {
  it('serves as JobLogger and JobQueue, with settings of its own', async () => {
    const lines: JobLogLine[] = [];
    const given: unknown[] = [];
    class Telling extends MemoryJobLogger {
      override async append(more: readonly JobLogLine[]): Promise<void> {
        lines.push(...more);
        await super.append(more);
      }
    }
    const extensions: Extension[] = [
      { port: 'job.queue', name: 'mine', create: () => new MemoryJobQueue() },
      {
        port: 'job.logger',
        name: 'telling',
        create: ({ settings }) => {
          given.push(settings);
          return new Telling();
        },
      },
    ];
    const dataPath = aPath();
    const place = {
      dataPath,
      log: silent,
      jobQueue: 'mine',
      extensions,
      extensionSettings: { telling: { depth: '2' } },
    };
    await started(new JobTracker({ ...place, jobLogger: 'telling' }));
    const jobId = await runOne(place);
    await expect.poll(() => lines.map(({ jobId: of, text }) => [of, text])).toEqual([[jobId, 'hello']]);
    expect(given).toEqual([{ depth: '2' }]);
    expect(readdirSync(dataPath)).not.toContain('jobs');
  });

  it('that is not there is named at once, with those that are', () => {
    expect(() => new JobTracker({ jobQueue: 'redis' })).toThrow(
      /job\.queue: there is no "redis"\. Known: lmdb, memory, mongo/,
    );
    expect(() => new JobTracker({ jobLogger: 'redis' })).toThrow(/job\.logger: .*Known: lmdb, memory, mongo, console/);
  });

  it('that lacks its maker, or shares a name, is refused', () => {
    const create = () => new MemoryJobQueue();
    const double: Extension = { port: 'job.queue', name: 'memory', create };
    expect(() => new JobTracker({ jobQueue: 'memory', extensions: [double] })).toThrow(
      /2 extensions are called "memory"/,
    );
    const empty = { port: 'job.queue', name: 'empty' } as unknown as Extension;
    expect(() => new JobTracker({ extensions: [empty] })).toThrow(/empty has no create/);
  });
});

describe('the logger console', () => {
  it("writes a job's lines to the technical log and keeps nothing", async () => {
    const said: string[] = [];
    const log = { ...silent, info: (_: object, text: string) => void said.push(text) };
    const place = { dataPath: aPath(), jobQueue: 'memory', log };
    await started(new JobTracker({ ...place, jobLogger: 'console' }));
    await runOne(place);
    await expect.poll(() => said).toContain('hello');
  });

  it('lmdb beside a queue in memory is refused with what to do', async () => {
    const tracker = new JobTracker({ dataPath: aPath(), jobQueue: 'memory', jobLogger: 'lmdb', log: silent });
    const error: unknown = await tracker.start().catch((thrown: unknown) => thrown);
    expect(LtsError.is(error, 'LTS_CONFIG_INVALID')).toBe(true);
  });
});

describe('the master change listener', () => {
  it('hears of the first master and of the one that follows', async () => {
    const heard: [string, string, boolean][] = [];
    const listenerOf =
      (name: string): MasterChangeListener =>
      (master, isMaster) =>
        void heard.push([name, master.identity, isMaster]);
    const place = { dataPath: aPath(), jobQueue: 'memory', log: silent, jobRunner: () => undefined };
    const first = new TaskTracker({ ...place, identity: 'a', masterChangeListener: listenerOf('a') });
    await started(first);
    await expect.poll(() => heard).toEqual([['a', 'a', true]]);
    await started(new TaskTracker({ ...place, identity: 'b', masterChangeListener: listenerOf('b') }));
    await expect.poll(() => heard.slice(1)).toEqual([['b', 'a', false]]);
    await first.stop();
    await expect.poll(() => heard.slice(2)).toEqual([['b', 'b', true]]);
  });
});
