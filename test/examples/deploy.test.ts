/** The files of deploy/ agree with one another and with the settings, and what they say to type works; docker itself is not asked. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Commands, end, written } from '../cli/command.js';
import { lts, words } from '../cli/in-process.js';
import { exampleConfig, NatsServer, natsMissing } from '../servers/nats-server.js';

const folder = resolve(import.meta.dirname, '../../deploy');
const read = (name: string) => readFileSync(join(folder, name), 'utf8');
const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, found]) => found as string);
const compose = read('docker-compose.yml');

describe('docker-compose.yml', () => {
  it('publishes its ports to this machine alone', () => {
    const ports = all(compose, /^\s+- "([\d.:]+)"$/gm);
    expect(ports).toEqual(['127.0.0.1:4222:4222', '127.0.0.1:27017:27017']);
  });

  it('has no password of its own, and starts with none missing', () => {
    const asked = all(compose, /PASSWORD: \$\{(\w+):\?/g);
    expect(asked).toHaveLength(all(compose, /(PASSWORD): /g).length);
    expect(all(read('.env.example'), /^(\w+)=$/gm).sort()).toEqual(asked.sort());
    expect(read('.env.example')).not.toMatch(/^\w+=./m);
    expect(read('.gitignore').split('\n')).toContain('.env');
  });

  it('mounts files that are there', () => {
    const mounted = all(compose, /^\s+- \.\/([^:]+):/gm);
    expect(mounted).toEqual(['nats/nats-server.conf', 'mongo/create-user.js']);
    for (const name of mounted) expect(existsSync(join(folder, name))).toBe(true);
  });

  it('gives the servers what their files read', () => {
    for (const name of all(read('nats/nats-server.conf'), /password: \$(\w+)/g))
      expect(compose).toContain(`${name}: $`);
    for (const name of all(read('mongo/create-user.js'), /process\.env\.(\w+)/g))
      expect(compose).toContain(`${name}: $`);
  });
});

describe('lts.properties', () => {
  it('is understood, and knows no secret', async () => {
    const { code, stdout, stderr } = await lts(`--config ${join(folder, 'lts.properties')} --json config`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('27017');
    expect(all(read('lts.properties'), /password=(.*)$/gm).every((value) => /^\$\{env:\w+:\}$/.test(value))).toBe(true);
  });

  it('logs in as the users that the servers have, to the cluster that they are for', () => {
    const users = all(read('nats/nats-server.conf'), /user: ([\w-]+)/g);
    expect(all(read('lts.properties'), /nats\.user=(.*)$/gm).sort()).toEqual(users.sort());
    const cluster = all(read('lts.properties'), /cluster-name=(.*)$/gm)[0];
    expect(read('nats/nats-server.conf')).toContain(`"lts.${cluster}.tracker"`);
    expect(read('mongo/create-user.js')).toContain(
      `user: '${all(read('lts.properties'), /mongo\.username=(.*)$/gm)[0]}'`,
    );
    expect(read('mongo/create-user.js')).toContain(
      `db: '${all(read('lts.properties'), /mongo\.database=(.*)$/gm)[0]}'`,
    );
  });
});

const program = process.env.LTS_TEST_NATS_SERVER ?? join(folder, '../.servers/nats/newest/nats-server');
const missing = existsSync(program) ? '' : " (no nats-server here: run 'npm run servers')";

describe.skipIf(missing)(`nats-server.conf${missing}`, () => {
  it('is valid as the compose file starts it', () => {
    const [, args = ''] = /command: (\[.*nats-server\.conf.*\])/.exec(compose) as RegExpExecArray;
    const config = join(folder, 'nats/nats-server.conf');
    const given = (JSON.parse(args) as string[]).map((one) => (one.endsWith('nats-server.conf') ? config : one));
    const env = { JOB_CLIENT_PASSWORD: 'a', TASK_TRACKER_PASSWORD: 'b', JOB_TRACKER_PASSWORD: 'c' };
    // It throws where the server refuses.
    const check = () => execFileSync(program, ['-t', ...given], { env, stdio: 'pipe' });
    expect(check).not.toThrow();
  });
});

const noServer = natsMissing();

describe.skipIf(noServer)(`the commands that lts.properties says to type${noServer ? ` (${noServer})` : ''}`, () => {
  const password = 's3cret';
  let server: NatsServer;
  let commands: Commands;

  beforeAll(async () => {
    server = await NatsServer.start({ config: exampleConfig(password) });
    commands = await Commands.prepare();
    for (const path of ['deploy', 'dist/processors']) mkdirSync(join(commands.folder, path), { recursive: true });
    copyFileSync(join(folder, 'lts.properties'), join(commands.folder, 'deploy/lts.properties'));
    const door = pathToFileURL(join(commands.compiled, 'src/index.js')).href;
    const code = `import { defineProcessor } from '${door}';\nexport const hello = defineProcessor('hello', {}, () => 'world');\n`;
    writeFileSync(join(commands.folder, 'dist/processors/hello.js'), code);
    writeFileSync(join(commands.folder, 'package.json'), '{"type":"module"}');
  }, 60_000);
  afterAll(async () => {
    await commands?.clear();
    await server?.stop();
  });

  /** Where this test's server is, and no MongoDB: the one that it has knows no users. */
  const here = () => ({ LTS_REGISTRY_ADDRESS: server.url, LTS_JOBTRACKER_CONFIGS_JOB_QUEUE: 'memory' });

  it.each(all(read('lts.properties'), /^# {3}(.* npx lts .*)$/gm))('%s', async (line) => {
    const [before = '', args = ''] = line.split('npx lts ');
    const given = words(before).map((one) => one.split('=').map((word) => word.replace('...', password)));
    const running = commands.start(words(args), { ...Object.fromEntries(given), ...here() });
    const answer = end(running);
    await written(running, 'the application runs');
    running.kill('SIGTERM');
    const { code, stdout, stderr } = await answer;
    const lines = stdout.trim().split('\n');
    const bad = lines.filter((one) => (JSON.parse(one) as { level: number }).level > 30);
    expect({ code, stderr, bad }).toEqual({ code: 0, stderr: '', bad: [] });
  });

  it('are one for each role that a file serves', () => {
    expect(all(read('lts.properties'), /npx lts (\w+)/g)).toEqual(['jobtracker', 'tasktracker']);
  });
});
