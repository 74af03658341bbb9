/**
 * An adapter of one's own: a JobLogger that writes the story of all jobs to one file, chosen by name in the settings. Run it with:
 *
 *   npx tsx examples/custom-job-logger.ts
 */
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  EnableJobClient,
  EnableJobTracker,
  EnableTaskTracker,
  type Extension,
  type JobContext,
  type JobLogger,
  type JobLogLine,
  LtsApplication,
  Processor,
} from 'light-task-scheduler';
import { z } from 'zod';

/** JSON lines, as log collectors like them. Lines come in batches, off the way of the jobs; a line may come twice. */
class FileJobLogger implements JobLogger {
  constructor(private readonly path: string) {}

  async open(): Promise<void> {
    await appendFile(this.path, '');
  }

  async close(): Promise<void> {}

  async append(lines: readonly JobLogLine[]): Promise<void> {
    await appendFile(this.path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }

  /** Reads the whole file each time: enough for an example. The cursor is the number of lines read so far. */
  async read(jobId: string, { cursor = '0', limit }: { cursor?: string | undefined; limit: number }) {
    const all = (await readFile(this.path, 'utf8')).split('\n').filter(Boolean);
    const own = all.map((text) => JSON.parse(text) as JobLogLine).filter((line) => line.jobId === jobId);
    const lines = own.slice(Number(cursor), Number(cursor) + limit);
    return { lines, cursor: String(Number(cursor) + lines.length) };
  }

  /** Called when retention removes jobs; whoever rotates the file removes their lines. */
  async remove(): Promise<void> {}
}

// The settings are those under lts.jobtracker.configs.file.*; they are checked at start like our own.
const fileLogger: Extension = {
  port: 'job.logger',
  name: 'file',
  settings: z.object({ path: z.string() }),
  create: ({ settings }) => new FileJobLogger((settings as { path: string }).path),
};

@Processor()
class Greet {
  run({ job, bizLogger }: JobContext) {
    bizLogger.info(`greets ${job.getParam('name')}`);
  }
}

@EnableJobTracker()
@EnableTaskTracker()
@EnableJobClient()
class Application {}

const folder = await mkdtemp(join(tmpdir(), 'lts-example-'));
const app = await LtsApplication.run(Application, {
  processors: [Greet],
  extensions: [fileLogger],
  settings: {
    'lts.jobtracker.configs.job.queue': 'memory',
    'lts.jobtracker.configs.job.logger': 'file',
    'lts.jobtracker.configs.file.path': join(folder, 'jobs.log'),
    'lts.log.level': 'warn',
  },
});

const job = await app.jobClient.submit(Greet, { name: 'world' });
for await (const event of job.events()) if (event.kind === 'log') console.log('read back:', event.line.text);
await app.stop();
console.log('the file :', (await readFile(join(folder, 'jobs.log'), 'utf8')).trim());
await rm(folder, { recursive: true });
