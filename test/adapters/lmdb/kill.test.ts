/**
 * kill -9 at random moments: what was acknowledged is there, nothing is doubled, every index agrees with the records.
 * LTS_KILL_ROUNDS=2000 npx vitest run test/adapters/lmdb/kill.test.ts
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LmdbEnvironment } from '../../../src/adapters/lmdb/environment.js';
import { verifyIndexes } from '../../../src/adapters/lmdb/jobs/verify-indexes.js';
import { LmdbJobQueue } from '../../../src/adapters/lmdb/lmdb-job-queue.js';
import { isEnded, type JobRecord, withStatus } from '../../../src/job/job.js';
import { SeededChance } from '../../../src/testing/seeded-chance.js';
import { transpile } from '../../helpers/transpile.js';

const rounds = Number(process.env.LTS_KILL_ROUNDS ?? 200);
const seed = Number(process.env.LTS_SEED ?? 1);
const child = 'test/adapters/lmdb/kill-child.ts';

let compiled: string;
let path: string;
let next: ChildProcessWithoutNullStreams;
beforeAll(async () => {
  compiled = await transpile([
    child,
    'test/helpers/records.ts',
    'src/errors.ts',
    'src/kit',
    'src/job',
    'src/ports',
    'src/adapters/lmdb',
  ]);
  path = await mkdtemp(join(tmpdir(), 'lts-kill-'));
  next = start(0);
});
afterAll(async () => {
  next.kill('SIGKILL');
  await rm(compiled, { recursive: true });
  await rm(path, { recursive: true });
});

/** A child that waits for its turn: loading its modules takes longer than its life. */
function start(round: number): ChildProcessWithoutNullStreams {
  return spawn('node', [join(compiled, child.replace('.ts', '.js')), path, `r${round}`]);
}

/** What the child said before it was killed, line by line. */
async function runAndKill(process: ChildProcessWithoutNullStreams, afterMs: number): Promise<string[]> {
  let output = '';
  let errors = '';
  process.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  process.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const closed = once(process, 'close');
  process.stdin.write('go');
  await Promise.race([once(process.stdout, 'data'), closed]);
  // A real wait: the moment of the kill is what the test is about.
  await sleep(afterMs);
  process.kill('SIGKILL');
  const [, signal] = await closed;
  expect(`${signal} ${errors}`).toBe('SIGKILL ');
  return output.split('\n').slice(0, -1);
}

/** The acknowledged effects, and the comparison with the store. */
class Ledger {
  /** Records not purged yet, by what was acknowledged last. */
  readonly kinds = new Map<string, string>();
  private readonly said = new Set<string>();

  hear(line: string): void {
    const [kind = '', ...jobIds] = line.split(' ');
    if (kind === 'ready') return;
    for (const jobId of jobIds) {
      expect(this.said.has(`${kind} ${jobId}`), `${jobId} was acknowledged twice: ${kind}`).toBe(false);
      this.said.add(`${kind} ${jobId}`);
      this.kinds.set(jobId, kind);
    }
  }

  async compare(queue: LmdbJobQueue): Promise<void> {
    const jobIds = [...this.kinds.keys()];
    const records = await queue.get(jobIds);
    const wrong = records.flatMap((record, i) => {
      const kind = this.kinds.get(jobIds[i] as string) as string;
      return record && isAtLeast(record, kind)
        ? []
        : `${jobIds[i]} was acknowledged ${kind}, but is ${record?.status.state ?? 'lost'}`;
    });
    expect(wrong).toEqual([]);
  }
}

function isAtLeast({ jobId, status }: JobRecord, kind: string): boolean {
  if (kind === 'A') return true;
  const wasAddedWaiting = !jobId.includes('.x');
  if (kind === 'C') return status.state !== 'waiting' && status.rev === (status.state === 'executing' ? 2 : 3);
  return status.state === 'succeeded' && status.rev === (wasAddedWaiting ? 3 : 2) && status.attempt === 1;
}

/** Ends what the dead process had claimed and removes what ended, so that the store stays small and its pages are used again. */
async function tidy(queue: LmdbJobQueue, ledger: Ledger): Promise<void> {
  for (const session of await queue.sessions()) {
    const runs = await queue.runsOf(session);
    await queue.update(
      runs.map((before) => ({ before, after: withStatus(before, { state: 'succeeded', endedAt: 1 }) })),
    );
  }
  const request = {
    endedBefore: Number.MAX_SAFE_INTEGER,
    keepMax: 0,
    keepAfter: Number.MAX_SAFE_INTEGER,
    max: 100_000,
  };
  const removed = await queue.purge(request, (record) => !isEnded(record.status.state));
  for (const jobId of removed) ledger.kinds.delete(jobId);
}

it(`loses and doubles nothing in ${rounds} kills`, { timeout: 1_000 * rounds + 60_000 }, async () => {
  const chance = new SeededChance(seed);
  const ledger = new Ledger();
  let heard = 0;
  for (let round = 0; round < rounds; round++) {
    const current = next;
    next = start(round + 1);
    const lines = await runAndKill(current, 20 + 130 * chance.next());
    heard += lines.length;
    for (const line of lines) ledger.hear(line);
    const environment = await LmdbEnvironment.open({ path });
    const queue = new LmdbJobQueue(environment);
    await queue.open();
    await ledger.compare(queue);
    expect(verifyIndexes(environment), `round ${round} of seed ${seed}`).toEqual([]);
    await tidy(queue, ledger);
    await queue.close();
    await environment.close();
  }
  expect(heard).toBeGreaterThan(rounds * 5);
});
