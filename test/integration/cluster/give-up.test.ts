/** A node that cannot go on, and the application around it: while it is cut off, another takes its identity. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineProcessor, LtsApplication, TaskTracker } from '../../../src/index.js';
import { Deferred } from '../../../src/kit/deferred.js';
import { aFolder, atEnd, cleanUp } from '../../helpers/cleanups.js';
import { transpile } from '../../helpers/transpile.js';
import { NatsServer, natsMissing } from '../../servers/nats-server.js';

const missing = natsMissing();
const child = 'test/integration/cluster/give-up-child.ts';
const log = { debug() {}, info() {}, warn() {}, error() {} };
const usersOf = (...names: string[]) =>
  `authorization { users: [${names.map((user) => `{ user: ${user}, password: pw }`).join(', ')}] }`;
let server: NatsServer;

const node = (user: string) => ({
  registryAddress: server.url,
  nats: { user, password: 'pw' },
  dataPath: aFolder(),
  identity: 'worker-TT',
  log,
});

/** While `doomed` is not let in, another node takes the identity; then it is let in again. */
async function takeIdentity(): Promise<void> {
  server.configure({ config: usersOf('other') });
  server.reload();
  const other = new TaskTracker({ ...node('other'), jobRunner: () => 1 });
  atEnd(() => other.stop());
  for (let isIn = false; !isIn; ) {
    isIn = await other.start().then(
      () => true,
      () => false,
    );
  }
  server.configure({ config: usersOf('doomed', 'other') });
  server.reload();
}

function properties(more: string[] = []): string {
  const folder = aFolder();
  const file = join(folder, 'lts.properties');
  const lines = [
    `lts.registry-address=${server.url}`,
    `lts.data-path=${folder}/data`,
    'lts.identity=worker',
    'lts.nats.user=doomed',
    'lts.nats.password=pw',
  ];
  writeFileSync(file, [...lines, ...more].join('\n'));
  return file;
}

describe.skipIf(missing)(`a node that cannot go on${missing ? ` (${missing})` : ''}`, { timeout: 30_000 }, () => {
  beforeEach(async () => {
    server = await NatsServer.start({ config: usersOf('doomed', 'other') });
    atEnd(() => server.stop());
  });
  afterEach(cleanUp);

  it('says why, and stops', async () => {
    const told = new Deferred<string>();
    const doomed = await new TaskTracker({
      ...node('doomed'),
      jobRunner: () => 1,
      giveUpListener: (why) => {
        told.resolve(why);
        throw new Error('a listener that throws keeps nothing from stopping');
      },
    }).start();
    atEnd(() => doomed.stop());
    await takeIdentity();
    expect(await told.promise).toMatch(/another node took its identity/);
    await doomed.stop();
    expect(doomed.isRunning).toBe(false);
  });

  it('ends its application, whose health says why', async () => {
    const config = properties(['lts.log.level=silent']);
    const processors = [defineProcessor('echo', {}, () => 1)];
    const app = await LtsApplication.run({ taskTracker: {} }, { config, processors, handleSignals: false });
    atEnd(() => app.stop());
    expect(app.health()).not.toHaveProperty('why');
    await takeIdentity();
    while (app.health().state === 'runs') await new Promise((resolve) => setTimeout(resolve, 20));
    expect(app.health()).toMatchObject({
      isReady: false,
      why: expect.stringMatching(/another node took its identity/),
    });
    await app.stop();
    expect(app.health()).toMatchObject({ state: 'stopped', isLive: false });
  });

  it('ends the process of its application with code 1, for its supervisor', async () => {
    const compiled = await transpile([child, 'src']);
    atEnd(() => rmSync(compiled, { recursive: true, force: true }));
    const program = spawn(process.execPath, [join(compiled, child.replace('.ts', '.js')), properties()]);
    atEnd(() => program.kill('SIGKILL'));
    const exit = once(program, 'exit');
    let said = '';
    const ready = new Deferred<void>();
    program.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('ready')) ready.resolve();
    });
    await Promise.race([ready.promise, exit]);
    await takeIdentity();
    expect(await exit).toEqual([1, null]);
    expect(said).toMatch(/"level":50.*the application stops, since one of its nodes cannot go on: another node took/);
    expect(said).toMatch(/the application stopped/);
  });
});
