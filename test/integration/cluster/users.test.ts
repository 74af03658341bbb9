/** A cluster at a NATS that knows one user per role, as the example configuration makes it; and the command line there. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'nats';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { NatsLink } from '../../../src/boot/places/nats-link.js';
import type { LtsError } from '../../../src/errors.js';
import { JobClient, JobTracker, LtsApplication, TaskTracker } from '../../../src/index.js';
import type { NodeType } from '../../../src/ports/registry.js';
import type { MessageKind } from '../../../src/protocol/messages.js';
import { subjectsOf } from '../../../src/protocol/subjects.js';
import { lts } from '../../cli/in-process.js';
import { aFolder, atEnd, cleanUp, started } from '../../helpers/cleanups.js';
import { sampleBodies } from '../../protocol/sample-bodies.js';
import { exampleConfig, NatsServer, natsMissing } from '../../servers/nats-server.js';

const missing = natsMissing();
const password = 's3cret';
const subjects = subjectsOf('demo');
const log = { debug() {}, info() {}, warn() {}, error() {} };
let server: NatsServer;

const node = (user: string) => ({
  clusterName: 'demo',
  registryAddress: server.url,
  identity: `${user}-1`,
  nats: { user, password },
  dataPath: aFolder(),
  log,
});

/** As deploy/README.md says it: the node's identity in the place of the `*` that stands for it. */
const ofOneNode = (type: NodeType, identity: string): [string, string][] => [
  [`lts.demo.inbox.${type}.*.>`, `lts.demo.inbox.${type}.${identity}.>`],
  [
    `"lts.demo.feedback.*", "lts.demo.life.${type}.*.*"`,
    `"lts.demo.feedback.*", "lts.demo.life.${type}.${identity}.*"`,
  ],
  [
    `"lts.demo.session.*.*", "lts.demo.life.${type}.*.*"`,
    `"lts.demo.session.${identity}.*", "lts.demo.life.${type}.${identity}.*"`,
  ],
  [`$KV.lts-demo.node.${type}.*`, `$KV.lts-demo.node.${type}.${identity}`],
];

describe.skipIf(missing)(`one user per node${missing ? ` (${missing})` : ''}`, () => {
  afterEach(cleanUp);

  it('each works under its identity, and can neither take another one nor listen to others of its role', async () => {
    const narrowed = [...ofOneNode('JOB_CLIENT', 'c1'), ...ofOneNode('TASK_TRACKER', 'w1')];
    const config = narrowed.reduce((text, [from, to]) => text.replace(from, to), exampleConfig(password));
    server = await NatsServer.start({ config });
    atEnd(() => server.stop());
    await started(new JobTracker(node('job-tracker')));
    await started(new TaskTracker({ ...node('task-tracker'), identity: 'w1', jobRunner: () => 'by w1' }));
    const client = await started(new JobClient({ ...node('job-client'), identity: 'c1', jobCompletedHandler() {} }));
    const { jobId } = await client.submitJob({});
    expect(await client.result(jobId)).toBe('by w1');
    const other = new TaskTracker({ ...node('task-tracker'), identity: 'w2', jobRunner: () => 1 });
    await expect(other.start()).rejects.toMatchObject({ code: 'LTS_NOT_PERMITTED' });
    const raw = await connect({ servers: server.url, user: 'task-tracker', pass: password });
    const refused: string[] = [];
    void (async () => {
      for await (const { data } of raw.status()) refused.push(String(data));
    })();
    for (const subject of ['lts.demo.inbox.TASK_TRACKER.>', 'lts.demo.session.*.*'])
      raw.subscribe(subject, { callback: () => {} });
    await expect.poll(() => refused.length).toBe(2);
    await raw.close();
  });
});

describe.skipIf(missing)(`one user per role${missing ? ` (${missing})` : ''}`, () => {
  beforeAll(async () => {
    server = await NatsServer.start({ config: exampleConfig(password) });
  });
  afterAll(() => server?.stop());
  afterEach(cleanUp);

  it('each role does its work as its user, feedback included, and is refused as another', async () => {
    await started(new JobTracker(node('job-tracker')));
    await started(new TaskTracker({ ...node('task-tracker'), jobRunner: ({ job }) => job.params }));
    let tell = (_: unknown) => {};
    const told = new Promise((resolve) => {
      tell = resolve;
    });
    const client = await started(new JobClient({ ...node('job-client'), jobCompletedHandler: tell }));
    const { jobId } = await client.submitJob({ params: { a: 1 } });
    expect(await client.result(jobId)).toEqual({ a: 1 });
    expect(await told).toMatchObject([{ jobId, success: true }]);
    const wrong = new JobClient({ ...node('task-tracker'), jobCompletedHandler: tell });
    await expect(wrong.start()).rejects.toMatchObject({ code: expect.stringMatching(/LTS_NOT_PERMITTED|LTS_TIMEOUT/) });
    const unknown = new TaskTracker({ ...node('nobody'), jobRunner: () => 1 });
    await expect(unknown.start()).rejects.toMatchObject({ code: 'LTS_CONNECT_FAILED' });
  });

  it('a client cannot take or report jobs, a worker cannot submit or cancel, whatever subject they ask at', async () => {
    await started(new JobTracker(node('job-tracker')));
    const refusals = async (type: NodeType, user: string, kinds: readonly MessageKind[]) => {
      const nats = { user, password };
      const link = await NatsLink.open({ type, cluster: 'demo', identity: 'spy', log, servers: [server.url], nats });
      const asked = kinds.flatMap((kind) =>
        [subjects.tracker, subjects.runs].map((subject) =>
          link.transport.request(subject, { kind, body: sampleBodies[kind][0] }, { deadlineMs: 5_000 }).then(
            () => `${kind} at ${subject} is answered`,
            ({ code }: LtsError) => code,
          ),
        ),
      );
      const codes = await Promise.all(asked);
      await link.close();
      return codes;
    };
    const ofWorkers = ['StartSession', 'RenewSession', 'EndSession', 'PullJobs', 'ReportRuns', 'AppendLog'] as const;
    const ofClients = ['SubmitJobs', 'CancelJob', 'GetJob', 'ListJobs', 'ReadLog', 'EditJob', 'JobsTold'] as const;
    expect(new Set(await refusals('JOB_CLIENT', 'job-client', ofWorkers))).toEqual(
      new Set(['LTS_MESSAGE_INVALID', 'LTS_NOT_PERMITTED']),
    );
    expect(new Set(await refusals('TASK_TRACKER', 'task-tracker', ofClients))).toEqual(
      new Set(['LTS_MESSAGE_INVALID', 'LTS_NOT_PERMITTED']),
    );
  });

  it('a client that may not submit is told so at once, with the subject; nothing is kept that could never be sent', async () => {
    const { tracker } = subjectsOf('demo');
    const config = `authorization { users: [{ user: web, password: ${password}, permissions: { publish: { deny: "${tracker}" } } }] }`;
    const strict = await NatsServer.start({ config });
    atEnd(() => strict.stop());
    const place = { ...node('web'), registryAddress: strict.url };
    const client = await started(new JobClient(place));
    const response = await client.submitJob({ taskId: 'T' });
    expect(response).toMatchObject({ success: false, code: 'rejected' });
    expect(response.msg).toContain(`does not permit node ${place.identity} to publish to ${tracker}`);
    // A cancel of what is kept would send it first, and say that it still waits.
    await expect(client.cancelJob('T', 'lts')).rejects.toMatchObject({ code: 'LTS_NOT_PERMITTED' });
  });

  describe('an application of all three roles, with one file', () => {
    let file: string;
    let app: LtsApplication;
    beforeEach(async () => {
      const folder = aFolder();
      file = join(folder, 'lts.properties');
      const lines = ['lts.cluster-name=demo', `lts.registry-address=${server.url}`, `lts.data-path=${folder}/data`];
      for (const [role, user] of Object.entries({
        jobclient: 'job-client',
        tasktracker: 'task-tracker',
        jobtracker: 'job-tracker',
      }))
        lines.push(`lts.${role}.nats.user=${user}`, `lts.${role}.nats.password=${password}`);
      writeFileSync(file, [...lines, 'lts.identity=all', 'lts.log.level=silent'].join('\n'));
      class Echo {
        run() {
          return 'echo';
        }
      }
      const { Processor } = await import('../../../src/index.js');
      Processor('echo')(Echo);
      const roles = { jobTracker: {}, taskTracker: {}, jobClient: {} };
      app = await LtsApplication.run(roles, { config: file, processors: [Echo], handleSignals: false });
      atEnd(() => app.stop());
    });

    it('the commands reach it over NATS: submit, jobs, logs, explain, cancel, nodes', async () => {
      const run = async (line: string) => {
        const { code, stdout, stderr } = await lts(`--config ${file} --json ${line}`);
        return {
          code,
          stderr,
          document: stdout === '' ? undefined : JSON.parse(stdout.trim().split('\n').at(-1) ?? ''),
        };
      };
      const submitted = await run('submit echo --wait');
      expect(submitted).toMatchObject({ code: 0 });
      const { jobs } = (await run('jobs')).document;
      expect(jobs).toMatchObject([{ state: 'succeeded', processor: 'echo' }]);
      expect((await run(`explain ${jobs[0].jobId}`)).document).toMatchObject({ code: 'ended' });
      expect((await run(`logs --follow ${jobs[0].jobId}`)).code).toBe(0);
      expect((await run(`cancel ${jobs[0].jobId}`)).code).toBe(5);
      const { nodes } = (await run('nodes')).document;
      expect(nodes).toMatchObject([
        { type: 'JOB_CLIENT', identity: 'all-JC' },
        { type: 'JOB_TRACKER', identity: 'all-JT' },
        { type: 'TASK_TRACKER', identity: 'all-TT', processors: [{ id: 'echo' }] },
      ]);
      const { stdout } = await lts(`--config ${file} nodes`);
      expect(stdout).toMatch(/^TYPE +GROUP +IDENTITY +SINCE +PROCESSORS\n/);
      expect(stdout).toMatch(/TASK_TRACKER +lts +all-TT +\d{4}-\d\d-\d\d \S+ +echo/);
    });

    it('the local socket of its data path leads to it, too', async () => {
      const { code, stdout } = await lts(`--config ${file} --data-path ${join(file, '../data')} --json jobs --count`);
      expect({ code, document: JSON.parse(stdout) }).toEqual({ code: 0, document: { counts: {} } });
    });
  });

  it('without a JobTracker, or without NATS, the command says which and ends with 3', async () => {
    const folder = aFolder();
    const file = join(folder, 'lts.properties');
    const login = `lts.nats.user=job-client\nlts.nats.password=${password}\nlts.cluster-name=demo`;
    writeFileSync(file, `lts.registry-address=${server.url}\n${login}`);
    expect(await lts(`--config ${file} jobs`)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('cluster demo'),
    });
    writeFileSync(file, `lts.registry-address=nats://127.0.0.1:9\nlts.nats.connect-within=50ms`);
    expect(await lts(`--config ${file} nodes`)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(':9 does not'),
    });
  });

  it('nodes of the embedded shape are not asked for over nothing', async () => {
    expect(await lts(`--data-path ${aFolder()} nodes`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('one process'),
    });
  });
});
