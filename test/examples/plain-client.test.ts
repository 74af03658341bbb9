/** The client in plain Node, against real nodes at a real nats-server: it is the proof that src/protocol/README.md is enough. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { connect } from 'nats';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { JobTracker, Result, TaskTracker } from '../../src/index.js';
import { Deferred } from '../../src/kit/deferred.js';
import { aFolder, atEnd, cleanUp, started } from '../helpers/cleanups.js';
import { exampleConfig, NatsServer, natsMissing } from '../servers/nats-server.js';

const root = resolve(import.meta.dirname, '../..');
const program = join(root, 'examples/plain-client/main.mjs');
const password = 's3cret';
const missing = natsMissing();
const log = { debug() {}, info() {}, warn() {}, error() {} };
let server: NatsServer;

function node(user: string) {
  const dataPath = aFolder();
  return { clusterName: 'demo', registryAddress: server.url, nats: { user, password }, dataPath, log };
}

/** The client as a process, with what it says. */
class Client {
  out = '';
  err = '';
  private readonly child: ChildProcess;
  private readonly ended = new Deferred<number | null>();
  private changed = new Deferred<void>();

  constructor(args: readonly string[], env: Record<string, string> = {}) {
    const login = { LTS_NATS_USER: 'job-client', LTS_NATS_PASSWORD: password };
    const all = [program, ...args, server.url, 'demo'];
    this.child = spawn(process.execPath, all, { env: { ...process.env, ...login, ...env } });
    this.child.stdout?.on('data', (text) => this.hear('out', text));
    this.child.stderr?.on('data', (text) => this.hear('err', text));
    this.child.on('close', (code) => this.ended.resolve(code));
    atEnd(() => this.child.kill('SIGKILL'));
  }

  async end(): Promise<{ code: number | null; out: string; err: string }> {
    return { code: await this.ended.promise, out: this.out, err: this.err };
  }

  async says(text: string): Promise<void> {
    while (!this.err.includes(text)) await this.changed.promise;
  }

  private hear(where: 'out' | 'err', text: unknown): void {
    this[where] += String(text);
    this.changed.resolve();
    this.changed = new Deferred();
  }
}

describe('the plain client', () => {
  const text = readFileSync(program, 'utf8');

  it('has at most 60 lines of code, and needs nats alone', () => {
    const lines = text.replaceAll(/\/\*[\s\S]*?\*\//g, '').split('\n');
    expect(lines.filter((line) => line.trim() !== '' && !line.trim().startsWith('//')).length).toBeLessThanOrEqual(60);
    const imports = [...text.matchAll(/from '([^']+)'/g)].map(([, name]) => name as string);
    expect(imports.filter((name) => !name.startsWith('node:'))).toEqual(['nats']);
    expect(text).toContain('node examples/plain-client/main.mjs');
  });
});

describe.skipIf(missing)(`the plain client at a cluster${missing ? ` (${missing})` : ''}`, () => {
  beforeAll(async () => {
    server = await NatsServer.start({ config: exampleConfig(password) });
  });
  afterAll(() => server?.stop());
  afterEach(cleanUp);

  it('submits a job and prints its result, as the user of its role', async () => {
    await started(new JobTracker(node('job-tracker')));
    const twice = ({ job }: { job: { getParam(name: string): number } }) => ({ n: 2 * job.getParam('n') });
    await started(new TaskTracker({ ...node('task-tracker'), processors: { twice } }));
    const client = new Client(['twice', '{"n":21}', 'lts']);
    expect(await client.end()).toMatchObject({ code: 0, out: '{"n":42}\n', err: expect.stringContaining('accepted') });
  });

  it('tells how a job failed, what the JobTracker refuses, and what is not over in time', async () => {
    await started(new JobTracker(node('job-tracker')));
    const processors = { fails: () => Result.failed('no paper') };
    await started(new TaskTracker({ ...node('task-tracker'), processors }));
    const failed = await new Client(['fails', '{}', 'lts']).end();
    expect(failed).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/failed failed: no paper/) });
    const refused = await new Client(['fails', '{}', 'a.b']).end();
    expect(refused).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/rejected nodeGroup: "a\.b"/) });
    const late = await new Client(['fails', '{}', 'nobody'], { LTS_WITHIN_MS: '1500' }).end();
    expect(late).toMatchObject({ code: 1, out: '', err: expect.stringContaining('AwaitJob was not answered in time') });
  });

  it('begins before there is a JobTracker, and waits on while that is started anew', async () => {
    const client = new Client(['slow', '{}', 'lts']);
    await client.says('again');
    const ground = node('job-tracker');
    const first = await started(new JobTracker(ground));
    const running = new Deferred<void>();
    const going = new Deferred<string>();
    let runs = 0;
    const slow = () => {
      runs++;
      running.resolve();
      return going.promise;
    };
    await started(new TaskTracker({ ...node('task-tracker'), processors: { slow } }));
    await running.promise;
    await first.stop();
    await client.says('AwaitJob is sent again');
    await started(new JobTracker(ground));
    going.resolve('kept');
    expect(await client.end()).toMatchObject({ code: 0, out: '"kept"\n' });
    expect(runs).toBe(1);
  }, 40_000);

  it('sends the same job again after a time-out', async () => {
    const deaf = await connect({ servers: server.url, user: 'job-tracker', pass: password });
    atEnd(() => deaf.close());
    const asked = deaf.subscribe('lts.demo.tracker', { queue: 'tracker', max: 1 });
    const client = new Client(['name', '{}', 'lts']);
    let jobId = '';
    for await (const message of asked)
      jobId = message.json<{ body: { jobs: { jobId: string }[] } }>().body.jobs[0]?.jobId ?? '';
    await started(new JobTracker(node('job-tracker')));
    const name = ({ job }: { job: { jobId: string } }) => job.jobId;
    await started(new TaskTracker({ ...node('task-tracker'), processors: { name } }));
    expect(await client.end()).toMatchObject({ code: 0, out: `"${jobId}"\n`, err: expect.stringContaining('again') });
  }, 40_000);

  it('the job that src/protocol/README.md shows is accepted as it stands', async () => {
    const [, body = ''] = /```json\n(\{ "jobs": \[\{[\s\S]*?)```/.exec(
      readFileSync(join(root, 'src/protocol/README.md'), 'utf8'),
    ) as RegExpExecArray;
    await started(new JobTracker(node('job-tracker')));
    const inboxPrefix = 'lts.demo.inbox.JOB_CLIENT.reader';
    const nats = await connect({ servers: server.url, user: 'job-client', pass: password, inboxPrefix });
    atEnd(() => nats.close());
    const rest = { v: 1, kind: 'SubmitJobs', id: '1', from: 'reader', sentAt: Date.now(), deadlineMs: 5_000 };
    const answer = await nats.request('lts.demo.tracker', JSON.stringify({ ...rest, body: JSON.parse(body) }));
    const { jobs } = JSON.parse(body) as { jobs: [{ jobId: string }] };
    expect(answer.json()).toMatchObject({
      kind: 'Reply',
      id: '1',
      body: { answers: [{ code: 'accepted', jobId: jobs[0].jobId }] },
    });
  });
});
