/** The example configuration of nats-server: every role can do its work, and nothing else. */
import { connect, Events } from 'nats';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { NatsRegistry } from '../../../src/adapters/nats/registry/nats-registry.js';
import { SystemIds } from '../../../src/adapters/system/system-ids.js';
import type { NodeType } from '../../../src/ports/registry.js';
import { subjectsOf } from '../../../src/protocol/subjects.js';
import { exampleConfig, NatsServer, type NatsVersion, natsMissing } from '../../servers/nats-server.js';
import { Nodes } from './nodes.js';

const cluster = 'demo';
const subjects = subjectsOf(cluster);
const users = { JOB_CLIENT: 'job-client', TASK_TRACKER: 'task-tracker', JOB_TRACKER: 'job-tracker' } as const;
const types = Object.keys(users) as NodeType[];
const password = 's3cret';

const own = (one: NodeType) => types.map((type) => (type === one ? 'yes' : 'no'));
const [client, worker, tracker] = [own('JOB_CLIENT'), own('TASK_TRACKER'), own('JOB_TRACKER')];
const ofTwo = (...two: NodeType[]) => types.map((type) => (two.includes(type) ? 'yes' : 'no'));
const none = ['no', 'no', 'no'];
/** Subject, then whether JobClient, TaskTracker and JobTracker may publish there, and may subscribe. */
const matrix: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  [subjects.tracker, ofTwo('JOB_CLIENT', 'JOB_TRACKER'), tracker],
  [subjects.trackerOf('tracker-1'), ofTwo('JOB_CLIENT', 'JOB_TRACKER'), tracker],
  [subjects.runs, ofTwo('TASK_TRACKER', 'JOB_TRACKER'), tracker],
  [subjects.runsOf('tracker-1'), ofTwo('TASK_TRACKER', 'JOB_TRACKER'), tracker],
  [subjects.hints, tracker, tracker],
  [subjects.session('worker-1-0af'), tracker, worker],
  [subjects.feedback('web'), tracker, client],
  [subjects.life('JOB_CLIENT', 'a', '0af'), client, client],
  [subjects.life('TASK_TRACKER', 'a', '0af'), worker, worker],
  [subjects.life('JOB_TRACKER', 'a', '0af'), tracker, tracker],
  [`${subjects.inbox('JOB_CLIENT', 'a')}.x.1`, none, client],
  [`${subjects.inbox('TASK_TRACKER', 'a')}.x.1`, none, worker],
  [`${subjects.inbox('JOB_TRACKER', 'a')}.x.1`, none, tracker],
  ['lts.demo.>', none, none],
  ['lts.demo.inbox.>', none, none],
  ['lts.other.tracker', none, none],
  ['_INBOX.abc', none, none],
  ['>', none, none],
  ['$KV.lts-demo.node.JOB_CLIENT.a', client, none],
  ['$KV.lts-demo.node.TASK_TRACKER.a', worker, none],
  ['$KV.lts-demo.node.JOB_TRACKER.a', tracker, none],
  ['$KV.lts-demo.master.JOB_CLIENT.g', client, none],
  ['$KV.lts-demo.master.TASK_TRACKER.g', worker, none],
  ['$KV.lts-demo.master.JOB_TRACKER.g', tracker, none],
  ['$KV.lts-other.node.JOB_TRACKER.a', none, none],
  ['$JS.API.STREAM.DELETE.KV_lts-demo', none, none],
  ['$JS.API.STREAM.PURGE.KV_lts-demo', none, none],
  ['$JS.API.STREAM.UPDATE.KV_lts-demo', tracker, none],
  ['$JS.API.STREAM.CREATE.other', none, none],
  ['$JS.API.STREAM.INFO.other', none, none],
  ['$SYS.REQ.SERVER.PING', none, none],
];

for (const version of ['newest', 'oldest'] as const satisfies NatsVersion[]) {
  const missing = natsMissing(version);
  describe.skipIf(missing)(`permissions on nats-server, ${version}${missing ? ` (${missing})` : ''}`, () => {
    let server: NatsServer;
    let nodes: Nodes;
    beforeAll(async () => {
      server = await NatsServer.start({ version, config: exampleConfig(password) });
    });
    afterAll(() => server?.stop());
    beforeEach(() => {
      nodes = new Nodes();
    });
    afterEach(() => nodes.stop());

    const start = (type: NodeType) => {
      const identity = `${users[type]}-1`;
      return nodes.start(server.url, {
        identity,
        user: users[type],
        password,
        inboxPrefix: subjects.inbox(type, identity),
      });
    };

    it.each(types)('%s may do what the matrix says and nothing else', async (type) => {
      const raw = await connect({ servers: server.url, user: users[type], pass: password });
      const refused = new Set<string>();
      void (async () => {
        for await (const { type: kind, permissionContext } of raw.status() as AsyncIterable<{
          type: string;
          permissionContext?: { operation: string; subject: string };
        }>)
          if (kind === Events.Error && permissionContext)
            refused.add(`${permissionContext.operation} ${permissionContext.subject}`);
      })();
      for (const [subject] of matrix) {
        if (!subject.includes('>')) raw.publish(subject);
        raw.subscribe(subject, { callback: () => {} });
      }
      await raw.flush();
      await nodes.clock.endOfTurn();
      const column = types.indexOf(type);
      const found = matrix.map(([subject]) => [
        subject,
        refused.has(`publish ${subject}`) || subject.includes('>') ? 'no' : 'yes',
        refused.has(`subscription ${subject}`) ? 'no' : 'yes',
      ]);
      expect(found).toEqual(
        matrix.map(([subject, publish, subscribe]) => [subject, publish[column], subscribe[column]]),
      );
      await raw.close();
    });

    it('every role can work: ask and be asked, join, list, become master, leave; nothing is refused', async () => {
      const [asking, working, tracking] = [
        await start('JOB_CLIENT'),
        await start('TASK_TRACKER'),
        await start('JOB_TRACKER'),
      ];
      for (const subject of [subjects.tracker, subjects.runs])
        tracking.transport.subscribe(subject, async () => 'from the tracker', { queue: 'tracker' });
      working.transport.subscribe(subjects.session('w-1'), async () => 'from the worker');
      asking.transport.subscribe(subjects.feedback('web'), async () => 'from the client', { queue: 'feedback' });
      for (const { transport } of [asking, working, tracking]) await transport.ready();
      const ask = { kind: 'ask', body: null };
      const within = { deadlineMs: 5_000 };
      expect(await asking.transport.request(subjects.tracker, ask, within)).toBe('from the tracker');
      expect(await working.transport.request(subjects.runs, ask, within)).toBe('from the tracker');
      expect(await tracking.transport.request(subjects.session('w-1'), ask, within)).toBe('from the worker');
      expect(await tracking.transport.request(subjects.feedback('web'), ask, within)).toBe('from the client');

      const ids = new SystemIds(nodes.clock);
      const joined: NatsRegistry[] = [];
      for (const [i, node] of [asking, working, tracking].entries()) {
        const type = types[i] as NodeType;
        const registry = await NatsRegistry.open({ cluster, ttlMs: 2_000 }, { ...node, ids });
        joined.push(registry);
        await registry.list();
        await registry.join({ type, nodeGroup: 'g', identity: `${users[type]}-1`, startedAt: 1 });
        expect(registry.isMaster(`${users[type]}-1`)).toBe(true);
        const again = await NatsRegistry.open({ cluster }, { ...node, ids });
        const second = again.join({ type, nodeGroup: 'g', identity: `${users[type]}-1`, startedAt: 2 });
        await expect(second).rejects.toMatchObject({ code: 'LTS_IDENTITY_IN_USE' });
        await again.close();
      }
      expect(await (joined[2] as NatsRegistry).list()).toHaveLength(3);
      for (const registry of joined) await registry.close();
      expect(nodes.lines.filter(({ level }) => level === 'error')).toEqual([]);
    });

    it('a role in another one’s place is told what it lacks', async () => {
      const node = await start('JOB_CLIENT');
      node.transport.subscribe(subjects.session('w-1'), async () => 'stolen');
      await expect(node.transport.ready()).rejects.toMatchObject({
        code: 'LTS_NOT_PERMITTED',
        message: expect.stringMatching(/job-client-1 to subscribe to lts.demo.session.w.1/),
      });
      const asked = node.transport.request(
        subjects.session('w-1'),
        { kind: 'ask', body: null },
        { deadlineMs: 60_000 },
      );
      await expect(asked).rejects.toMatchObject({
        code: 'LTS_NOT_PERMITTED',
        message: expect.stringMatching(/publish to lts.demo.session.w.1/),
      });
    });

    it('a registry of another cluster is refused with the subject that is missing', async () => {
      const opening = NatsRegistry.open(
        { cluster: 'other' },
        { ...(await start('JOB_TRACKER')), ids: new SystemIds(nodes.clock) },
      );
      await expect(opening).rejects.toMatchObject({
        code: 'LTS_NOT_PERMITTED',
        message: expect.stringContaining('$JS.API.STREAM.INFO.KV_lts-other'),
      });
    });
  });
}
