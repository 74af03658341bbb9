/** A store to be damaged, and a child process that opens what is left of it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dataFileOf, LmdbEnvironment } from '../../../src/adapters/lmdb/environment.js';
import type { Opened } from './open-child.js';

export const jobCount = 400;

/** Two tables, values within pages and values with pages of their own, a list of free pages. */
export async function makeStore(path: string): Promise<void> {
  const environment = await LmdbEnvironment.open({ path });
  const jobs = environment.table('jobs');
  const index = environment.table('index');
  for (let commit = 0; commit < 8; commit++) {
    await environment.commit(() => {
      for (let i = commit; i < jobCount + 100; i += 8) {
        jobs.put(`job${i}`, JSON.stringify({ i, text: 'x'.repeat(i % 50 === 0 ? 9_000 : i) }));
        index.put([i % 7, `job${i}`], '');
      }
    });
  }
  await environment.commit(() => {
    for (let i = jobCount; i < jobCount + 100; i++) {
      jobs.remove(`job${i}`);
      index.remove([i % 7, `job${i}`]);
    }
  });
  await environment.close();
}

export interface Sample {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Opens samples in one child process after the other: a sample that kills the child is answered with `signal`. */
export class Openers {
  private child: ChildProcess | undefined;

  constructor(private readonly folder: string) {}

  async open(sample: Sample): Promise<Opened & { signal?: string }> {
    const path = join(this.folder, sample.name);
    mkdirSync(path);
    writeFileSync(dataFileOf(path), sample.bytes);
    const child = this.child ?? (await startChild());
    this.child = child;
    const done = new AbortController();
    const waits = ['message', 'exit'].map((event) => once(child, event, { signal: done.signal }));
    for (const wait of waits) wait.catch(() => {});
    child.send(path);
    const [first, signal] = (await Promise.race(waits)) as unknown[];
    done.abort();
    if (typeof first === 'object' && first !== null) return first as Opened;
    this.child = undefined;
    return { path, signal: `${first ?? signal}` };
  }

  async close(): Promise<void> {
    if (!this.child) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }
}

async function startChild(): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL('./open-child.ts', import.meta.url)), {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  await once(child, 'message');
  return child;
}
