/** Where settings come from, which one wins, and what is said of those that cannot be used. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of settings look like those of templates.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadSettings, type SettingsRequest } from '../../../src/boot/settings/load-settings.js';
import { LtsError } from '../../../src/errors.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lts-settings-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(file: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), content);
}

const load = (request: SettingsRequest = {}) => loadSettings({ baseFolder: folder, env: {}, ...request });

function loadText(content: string | Uint8Array, request: SettingsRequest = {}) {
  write('lts.properties', content);
  return load(request);
}

/** The lines of the one error. */
function problemsOf(action: () => unknown): string[] {
  try {
    action();
  } catch (error) {
    if (!LtsError.is(error, 'LTS_CONFIG_INVALID')) throw error;
    return error.message.split('\n  ').slice(1);
  }
  throw new Error('nothing was refused');
}

const problemsOfText = (content: string, request?: SettingsRequest) => problemsOf(() => loadText(content, request));

const entryOf = (settings: ReturnType<typeof load>, key: string) =>
  settings.entries.find((entry) => entry.key === key) ?? expect.fail(`no entry ${key}`);

describe('sources', () => {
  it('without a file everything has its default, and paths start from the base folder', () => {
    const settings = load();
    expect(settings).toMatchObject({
      scan: undefined,
      health: undefined,
      stopDeadlineMs: 25_000,
      log: { level: 'info', pretty: 'auto' },
      jobTracker: { clusterName: 'lts', registryAddress: 'embedded', jobQueue: 'lmdb', maxRetryTimes: 10 },
      taskTrackers: [{ nodeGroup: 'lts', workThreads: 64, jobQueue: 'lmdb', leaseLost: 'abort' }],
      jobClient: { nodeGroup: 'lts', useRetryClient: true, submitWithinMs: 5_000, jobQueue: 'lmdb' },
      warnings: [],
    });
    expect(settings.jobClient.dataPath).toBe(join(folder, 'data'));
    expect(new Set(settings.entries.map(({ origin }) => origin))).toEqual(
      new Set([
        'default',
        'lts.cluster-name',
        'lts.registry-address',
        'lts.data-path',
        'lts.nats.user',
        'lts.nats.password',
        'lts.nats.token',
        'lts.nats.nkey-seed',
        'lts.nats.creds-file',
        'lts.jobtracker.configs.job.fail.store',
      ]),
    );
  });

  it('./lts.properties is read when no file is named, and not when none is wanted', () => {
    expect(loadText('lts.cluster-name=demo').jobClient.clusterName).toBe('demo');
    expect(load({ files: 'lts.properties' }).jobClient.clusterName).toBe('demo');
    expect(load({ files: [] }).jobClient.clusterName).toBe('lts');
  });

  it('a later file wins over an earlier one, the environment over files, code over all', () => {
    write('a.properties', 'lts.tasktracker.work-threads=1\nlts.stop-deadline=1s\nlts.cluster-name=a\nlts.data-path=a');
    write('b.properties', '\nLTS_TASKTRACKER_WORK_THREADS=2\nlts.stopDeadline=2s\nlts.cluster-name=b');
    const settings = load({
      files: ['a.properties', 'b.properties'],
      env: { LTS_TASKTRACKER_WORK_THREADS: '3', LTS_STOP_DEADLINE: '3s' },
      code: { 'lts.taskTracker.workThreads': 4, 'lts.data-path': undefined },
    });
    expect(settings).toMatchObject({ taskTrackers: [{ workThreads: 4 }], stopDeadlineMs: 3_000 });
    expect(settings.jobTracker).toMatchObject({ clusterName: 'b', dataPath: join(folder, 'a') });
    const originOf = (key: string) => entryOf(settings, key).origin;
    expect(originOf('lts.tasktracker.work-threads')).toBe('code');
    expect(originOf('lts.stop-deadline')).toBe('env LTS_STOP_DEADLINE');
    expect(originOf('lts.cluster-name')).toBe('b.properties:4');
    expect(originOf('lts.data-path')).toBe('a.properties:4');
    expect(originOf('lts.jobtracker.data-path')).toBe('lts.data-path');
    expect(settings.isDefault('lts.cluster-name')).toBe(false);
    expect(settings.isDefault('lts.tasktracker.node-group')).toBe(true);
  });

  it("a role's own word wins over the shared one", () => {
    const text = 'lts.registry-address=nats://a:4222\nlts.tasktracker.registry-address=nats://b:4222\nlts.data-path=d';
    const settings = loadText(`${text}\nlts.jobclient.data-path=e`);
    expect(settings.jobClient).toMatchObject({ registryAddress: 'nats://a:4222', dataPath: join(folder, 'e') });
    expect(settings.taskTrackers[0]).toMatchObject({ registryAddress: 'nats://b:4222', dataPath: join(folder, 'd') });
  });

  it('relative paths are meant from the folder of their file; those of environment and code from that of the first', () => {
    write('conf/a.properties', 'lts.data-path=../data\nlts.scan=./p/*.js, ./{q,r}/*.js');
    write('other/b.properties', 'lts.jobclient.data-path=mine');
    const files = ['conf/a.properties', 'other/b.properties'];
    const settings = load({ files, env: { LTS_TASKTRACKER_DATA_PATH: './env' } });
    expect(settings.jobTracker.dataPath).toBe(join(folder, 'data'));
    expect(settings.jobClient.dataPath).toBe(join(folder, 'other', 'mine'));
    expect(settings.taskTrackers[0]?.dataPath).toBe(join(folder, 'conf', 'env'));
    expect(settings.folder).toBe(join(folder, 'conf'));
    expect(settings.scan).toEqual({ patterns: ['./p/*.js', './{q,r}/*.js'], folder: join(folder, 'conf') });
    expect(load({ files, code: { 'lts.scan': ['x.js', 'y.js'] } }).scan?.patterns).toEqual(['x.js', 'y.js']);
  });

  it('an empty variable counts as not set', () => {
    expect(load({ env: { LTS_CLUSTER_NAME: '' } }).jobClient.clusterName).toBe('lts');
  });

  it('unknown variables are warnings, since others use the prefix too; those of test runs are none of ours', () => {
    const { warnings } = load({ env: { LTS_WORK_THREADS: '1', LTS_ZZZ: '1', LTS_TEST_MONGO_URL: 'x', PATH: '/' } });
    expect(warnings).toEqual([
      'env LTS_WORK_THREADS: no such key. Did you mean lts.tasktracker.work-threads?',
      'env LTS_ZZZ: no such key.',
    ]);
  });
});

/** The file of the guide, as it stands there. */
const guide = `lts.cluster-name=demo
lts.registry-address=embedded            # or nats://user:pass@host:4222
lts.data-path=./data
lts.jobclient.node-group=web
lts.jobclient.use-retry-client=true
lts.tasktracker.node-group=tnt_back
lts.tasktracker.work-threads=64
lts.tasktracker.biz-logger-level=INFO
lts.jobtracker.configs.job.queue=lmdb    # or mongo, memory, or an extension's name
lts.jobtracker.configs.mongo.addresses=127.0.0.1:27017
lts.jobtracker.configs.mongo.database=lts
lts.jobtracker.configs.job.max.retry.times=10
lts.jobtracker.configs.jobtracker.job.retry.interval.millis=30000
lts.admin.port=8081
`;

describe('values', () => {
  it('of the guide are read as written; the console is still to come', () => {
    const settings = loadText(guide);
    expect(settings).toMatchObject({
      jobClient: { clusterName: 'demo', registryAddress: 'embedded', nodeGroup: 'web', useRetryClient: true },
      taskTrackers: [{ nodeGroup: 'tnt_back', workThreads: 64, bizLoggerLevel: 'INFO' }],
      jobTracker: {
        jobQueue: 'lmdb',
        mongo: { addresses: '127.0.0.1:27017', database: 'lts' },
        maxRetryTimes: 10,
        retryIntervalMs: 30_000,
      },
    });
    expect(settings.warnings).toEqual([expect.stringContaining('lts.admin.port')]);
  });

  it('several node groups make several TaskTrackers, and a name for the process one for each node', () => {
    const settings = loadText('lts.tasktracker.node-group=a, b\nlts.identity=host\nlts.jobtracker.identity=boss');
    expect(settings.taskTrackers.map(({ nodeGroup, identity }) => [nodeGroup, identity])).toEqual([
      ['a', 'host-TT'],
      ['b', 'host-TT-2'],
    ]);
    expect(settings.jobClient.identity).toBe('host-JC');
    expect(settings.jobTracker.identity).toBe('boss');
  });

  it('refers to the environment and to files', () => {
    write('secret.txt', 'geheim\r\n');
    const text = [
      'lts.cluster-name=${env:NAME:x}-${env:OTHER:y}',
      'lts.registry-address=${env:ADDRESS:nats://a:4222}',
      'lts.identity=${env:NONE:}',
      'lts.jobtracker.configs.mongo.password=${file:secret.txt}',
    ];
    const settings = loadText(text.join('\n'), { env: { NAME: 'prod' } });
    expect(settings.jobTracker).toMatchObject({ clusterName: 'prod-y', registryAddress: 'nats://a:4222' });
    expect(settings.jobTracker.identity).toBeUndefined();
    expect(settings.jobTracker.mongo.password).toBe('geheim');
  });

  it.each([
    ['lts.stop-deadline', '1500', { stopDeadlineMs: 1_500 }],
    ['lts.log.level', 'WARN', { log: { level: 'warn' } }],
    ['lts.health.port', '0', { health: { port: 0, host: '127.0.0.1' } }],
    ['lts.tasktracker.biz-logger-level', 'debug', { taskTrackers: [{ bizLoggerLevel: 'DEBUG' }] }],
    ['lts.jobclient.use-retry-client', 'FALSE', { jobClient: { useRetryClient: false } }],
    [
      'lts.jobtracker.configs.jobtracker.job.retry.interval.millis',
      '30000',
      { jobTracker: { retryIntervalMs: 30_000 } },
    ],
    ['lts.jobtracker.keep-ended', '30d', { jobTracker: { keepEndedMs: 30 * 86_400_000 } }],
    ['lts.jobtracker.time-zone', 'Europe/Berlin', { jobTracker: { timeZone: 'Europe/Berlin' } }],
    [
      'lts.jobtracker.configs.mongo.addresses',
      'a:1, [::1]:2',
      { jobTracker: { mongo: { addresses: 'a:1, [::1]:2' } } },
    ],
  ])('%s=%s', (key, value, expected) => {
    expect(loadText(`${key}=${value}`)).toMatchObject(expected);
  });

  it('of extensions come as text by property name, under the prefix of their name', () => {
    const extensions = [{ name: 'redis', port: 'job.queue' }];
    const prefix = 'lts.jobtracker.configs';
    const text = `${prefix}.job.queue=redis\n${prefix}.redis.pool-size=5\n${prefix}.redis.password=x`;
    const env = { LTS_JOBTRACKER_CONFIGS_REDIS_POOLSIZE: '6', LTS_JOBTRACKER_CONFIGS_REDIS_CONNECT_TIMEOUT: '7' };
    const settings = loadText(text, { extensions, env });
    expect(settings.jobTracker.jobQueue).toBe('redis');
    expect(settings.extensions).toEqual({ redis: { poolSize: '6', password: 'x', connectTimeout: '7' } });
    expect(entryOf(settings, `${prefix}.redis.password`).value).toBe('[redacted]');
    expect(problemsOfText(text)).toEqual([
      `lts.properties:1: ${prefix}.job.queue: "redis" is unknown. Use 'lmdb', 'memory' or 'mongo'.`,
      `lts.properties:2: ${prefix}.redis.pool-size: no such key.`,
      `lts.properties:3: ${prefix}.redis.password: no such key.`,
    ]);
  });

  it('an extension can be chosen only for its port, and its prefix ends at a separator', () => {
    const extensions = [{ name: 'red', port: 'job.logger' }];
    const text = 'lts.jobtracker.configs.job.queue=red\nlts.jobtracker.configs.redis.x=1';
    expect(problemsOfText(text, { extensions })).toHaveLength(2);
  });
});

describe('mistakes', () => {
  it('all are named at once, each with file, line and the next move', () => {
    const text = `# comment
lts.tasktracker.work-thread=5
lts.tasktracker.work-threads=many
lts.cluster-name=a b
lts.cluster-name=c
lts.stop-deadline=2h
clusterName=x
spring.port=1`;
    expect(problemsOfText(text)).toEqual([
      'lts.properties:2: lts.tasktracker.work-thread: no such key. Did you mean lts.tasktracker.work-threads?',
      'lts.properties:3: lts.tasktracker.work-threads: "many" must be a whole number from 1 to 100000. Unit: runs.',
      'lts.properties:4: lts.cluster-name: "a b" is not a name. Use 1 to 64 of A-Z a-z 0-9 _ -.',
      'lts.properties:5: lts.cluster-name: is already given (lts.properties:4, lts.cluster-name). Keep one of them.',
      'lts.properties:6: lts.stop-deadline: "2h" is out of range: use 0ms to 1h. Unit: ms, or text such as \'30s\'.',
      'lts.properties:7: clusterName: no such key. Did you mean lts.cluster-name?',
      'lts.properties:8: spring.port: no such key.',
    ]);
  });

  it.each([
    ['lts.tasktracker.work-threads=0', 'from 1 to 100000'],
    ['lts.tasktracker.work-threads=6.5', 'whole number'],
    ['lts.tasktracker.work-threads=', 'has no value'],
    ['lts.tasktracker.work-threads = # later', 'has no value'],
    ['lts.tasktracker.node-group=a,,a', 'different names'],
    ['lts.tasktracker.node-group=,', 'different names'],
    ['lts.tasktracker.node-group=a b', 'is not a name'],
    ['lts.jobclient.submit-within=0', 'use 1ms to 1h'],
    ['lts.jobclient.submit-within=soon', 'is not a duration'],
    ['lts.jobclient.use-retry-client=yes', "Use 'true' or 'false'"],
    ['lts.log.level=loud', "Use 'debug', 'info', 'warn', 'error' or 'silent'"],
    ['lts.health.port=70000', '0 to 65535'],
    ['lts.jobtracker.time-zone=Mars/X', 'is no time zone'],
    ['lts.jobtracker.configs.job.queue=mysql', "Use 'lmdb', 'memory' or 'mongo'"],
    ['lts.jobtracker.configs.job.fail.store=h2', "Use 'lmdb', 'leveldb' or 'memory'"],
    ...['rocksdb', 'berkeleydb', 'mapdb', 'ltsdb'].map((kind) => [
      `lts.tasktracker.configs.job.fail.store=${kind}`,
      'is a FailStore of LTS. Use lmdb, which needs no further package, or leveldb.',
    ]),
    ['lts.jobtracker.configs.mongo.addresses=a:99999', 'is no address'],
    ['lts.registry-address=zookeeper://a:2181', 'is a registry of LTS. Use embedded, or nats://'],
    ['lts.registry-address=http://a', 'is no address'],
    ['lts.registry-address=nats://', 'is no address'],
    ['lts.data-path=a\\tb', 'is no path'],
    ['lts.data-path=C:\\data', '\\d is no escape'],
    ['lts.data-path=C:\\users', '\\u must be followed by four hex digits'],
    ['lts.identity=${env:MISSING}', 'the environment has no MISSING'],
    ['lts.identity=${file:missing.txt}', 'missing.txt cannot be read (ENOENT)'],
    ['lts.identity=${lts.cluster-name}', 'Use ${env:NAME}, ${env:NAME:default} or ${file:path}'],
    ['lts.identity=${env:constructor}', 'the environment has no constructor'],
    ['lts.identity=${env:X', 'has no }'],
  ])('%s', (line, named) => {
    const problems = problemsOfText(`\n${line}`);
    expect(problems).toEqual([expect.stringContaining(named)]);
    expect(problems[0]).toContain(`lts.properties:2: ${line.split(/ ?=/)[0]}:`);
  });

  it('a file that is named must be there, and be UTF-8', () => {
    write('latin.properties', Uint8Array.of(0x6c, 0xfc));
    expect(problemsOf(() => load({ files: ['none.properties', 'latin.properties', '.'] }))).toEqual([
      '.: is no regular file. Correct the path of the properties file.',
      'latin.properties: is not UTF-8. Save it as UTF-8, or write \\u escapes.',
      `none.properties: no such file (${join(folder, 'none.properties')}). Correct the path of the properties file.`,
    ]);
  });

  it('two spellings of one key clash within the environment and within code', () => {
    const env = { LTS_DATA_PATH: 'a', LTS_DATAPATH: 'b' };
    expect(problemsOf(() => load({ env }))).toEqual([
      'env LTS_DATAPATH: is already given (env LTS_DATA_PATH). Keep one of them.',
    ]);
    expect(problemsOf(() => load({ code: { 'lts.data-path': 'a', ltsDataPath: 'b' } }))).toHaveLength(1);
  });

  it('a bad value that a later source replaces is not looked at', () => {
    const env = { LTS_TASKTRACKER_WORK_THREADS: '5' };
    expect(loadText('lts.tasktracker.work-threads=${env:MISSING}', { env }).taskTrackers[0]?.workThreads).toBe(5);
  });

  it('code gives text, numbers, booleans and lists of texts', () => {
    const code = {
      'lts.scan': [{}],
      'lts.data-path': {},
      'lts.tasktracker.work-threads': Number.NaN,
      'lts.log.level': '',
    };
    expect(problemsOf(() => load({ code }))).toEqual([
      'code: lts.data-path: is no value. Give a text, a number, a boolean or a list of texts.',
      'code: lts.log.level: has no value. Remove the key to have its default.',
      'code: lts.scan: is no value. Give a text, a number, a boolean or a list of texts.',
      'code: lts.tasktracker.work-threads: "NaN" must be a whole number from 1 to 100000. Unit: runs.',
    ]);
  });

  it('a role that differs in what an embedded cluster shares is warned of', () => {
    const text =
      'lts.jobclient.data-path=x\nlts.tasktracker.cluster-name=y\nlts.tasktracker.configs.job.fail.store=memory';
    const why = 'is not that of the JobTracker: nodes of an embedded cluster share it.';
    expect(loadText(text).warnings).toEqual([
      `lts.jobclient.data-path ${why}`,
      `lts.tasktracker.cluster-name ${why}`,
      `lts.tasktracker.configs.job.fail.store ${why}`,
    ]);
    expect(loadText(`${text}\nlts.registry-address=nats://a`).warnings).toEqual([]);
    expect(loadText('lts.jobtracker.configs.job.fail.store=memory').jobClient.failStore).toBe('memory');
  });
});

describe('NATS', () => {
  it('has one login for all roles, or one for each, and TLS once a file of it is named', () => {
    const settings = loadText(
      `lts.nats.user=all\nlts.nats.password=a\nlts.jobclient.nats.user=web\nlts.jobclient.nats.password=b
lts.nats.tls.ca-file=ca.pem\nlts.nats.connect-within=3s`,
    );
    const tls = { caFile: join(folder, 'ca.pem'), isHandshakeFirst: false };
    expect(settings.jobTracker.nats).toMatchObject({ user: 'all', password: 'a', connectWithinMs: 3_000, tls });
    expect(settings.taskTrackers[0]?.nats).toMatchObject({ user: 'all', password: 'a', tls });
    expect(settings.jobClient.nats).toMatchObject({ user: 'web', password: 'b', tls });
    expect(settings.jobClient).not.toHaveProperty('natsUser');
    expect(loadText('lts.nats.token=t').jobTracker.nats).toMatchObject({ token: 't', tls: undefined });
  });
});

describe('secrets', () => {
  const text = `lts.registry-address=nats://joe:geheim@a:4222,nats://geheim@b
lts.jobtracker.configs.mongo.addresses=mongodb://joe:geheim@a,b/db?proxyPassword=geheim
lts.jobtracker.configs.mongo.password=geheim
lts.nats.password=geheim
lts.nats.token=geheim
lts.tasktracker.nats.nkey-seed=geheim`;

  it('are used, and shown to nobody', () => {
    const settings = loadText(text);
    expect(settings.jobTracker.mongo.password).toBe('geheim');
    expect(settings.jobClient.registryAddress).toContain('geheim');
    expect(JSON.stringify(settings.entries)).not.toContain('geheim');
    expect(entryOf(settings, 'lts.registry-address').value).toBe('nats://[redacted]@a:4222, nats://[redacted]@b');
  });

  it.each([
    'lts.registry-address=nats://joe:gehe/geheim@a',
    'lts.registry-address=joe:geheim@a',
    'lts.jobtracker.configs.mongo.addresses=joe:geheim@a',
    'lts.jobtracker.configs.mongo.password=geheim\\n',
    'lts.jobtracker.configs.mongo.password=a\\ngeheim',
    'lts.jobtracker.configs.mongo.password=${geheim',
    'lts.jobtracker.configs.mongo.password=${geheim}',
    'lts.jobtracker.configs.mongo.passwort=geheim',
    'lts.jobtracker.configs.mongo.password=geheim\nlts.jobtracker.configs.mongo.password=geheim',
    'lts.tasktracker.work-threads=${file:secret.txt}',
    'lts.cluster-name=x${file:secret.txt} y',
  ])('are in no message: %j', (line) => {
    write('secret.txt', 'geheim');
    const message = problemsOfText(`lts.log.level=x\n${line}`).join('\n');
    expect(message).not.toContain('geheim');
  });

  it('a value from a file is shown to nobody, whatever the key', () => {
    write('secret.txt', 'geheim');
    const settings = loadText('lts.cluster-name=${file:secret.txt}');
    expect(settings.jobClient.clusterName).toBe('geheim');
    expect(JSON.stringify(settings.entries)).not.toContain('geheim');
  });
});

describe('the choice of a JobTracker', () => {
  it.each([
    ['consistenthash', 'consistent-hash'],
    ['mastersalve', 'master-slave'],
    ['RoundRobin', 'round-robin'],
    ['round_robin', 'round-robin'],
    ['master-slave', 'master-slave'],
    ['random', 'random'],
  ])('%s is %s, for each role apart', (written, meant) => {
    const { jobClient, taskTrackers } = loadText(`lts.jobclient.configs.jobtracker.select.loadbalance=${written}`);
    expect([jobClient.loadBalance, taskTrackers[0]?.loadBalance]).toEqual([meant, 'random']);
    const other = loadText(`lts.tasktracker.configs.jobtracker.select.loadbalance=${written}`);
    expect([other.jobClient.loadBalance, other.taskTrackers[0]?.loadBalance]).toEqual(['random', meant]);
  });

  it('another word is refused with those that fit', () => {
    expect(problemsOfText('lts.jobclient.configs.jobtracker.select.loadbalance=sticky')[0]).toMatch(
      /"sticky" is unknown\. Use 'random', 'round-robin', 'consistent-hash' or 'master-slave'/,
    );
  });
});

describe('keys of LTS without meaning here', () => {
  it.each([
    'lts.jobtracker.listen-port',
    'lts.jobtracker.bind-ip',
    'lts.jobtracker.configs.jdbc.url',
    'lts.jobtracker.configs.druid.maxActive',
    'lts.jobtracker.configs.zk.client',
    'lts.jobtracker.configs.lts.remoting',
    'lts.jobtracker.configs.job.preloader.signal.check.interval',
    'lts.jobtracker.configs.jobtracker.executing.job.fix.deadline.seconds',
    'lts.jobtracker.configs.jobtracker.nonRelyOnPrevCycleJob.schedule.interval.minute',
    'lts.tasktracker.job-runner-class',
    'lts.tasktracker.dispatch-runner.enable',
    'lts.tasktracker.configs.lts.task.tracker.biz.logger.failstore.close',
    'lts.tasktracker.configs.lb.memoryUsedRate.max',
    'lts.jobtracker.configs.jobclient.select.loadbalance',
    'lts.jobclient.configs.loadbalance',
    'lts.jobclient.configs.job.submit.maxQPS',
    'lts.monitor.cluster-name',
    'lts.jobProp.needFeedback',
    'lts.admin.port',
    'configs.java.compiler',
    'lts.http.cmd.port',
    'mail.smtp.host',
  ])('%s is a warning with the reason', (key) => {
    const settings = loadText(`${key}=geheim`);
    expect(settings.warnings).toEqual([
      expect.stringMatching(/^lts\.properties:1: .*: is a key of LTS without effect here: [^:]+\.$/),
    ]);
    expect(settings.warnings[0]).not.toContain('geheim');
  });
});

describe('problems, regressions', () => {
  it('came in the order in which they were found, not in that of the lines', () => {
    const text = `lts.tasktracker.work-threads=many${'\n'.repeat(10)}lts.typo=1\nlts.cluster-name=a b`;
    const lines = problemsOfText(text).map((problem) => Number(/^lts\.properties:(\d+):/.exec(problem)?.[1]));
    expect(lines).toHaveLength(3);
    expect(lines).toEqual([...lines].sort((a, b) => a - b));
    expect(lines[1]).toBeGreaterThan(9);
  });

  it('a line without a key was said to be no such key', () => {
    expect(problemsOfText('=secret')).toEqual([
      'lts.properties:1: has no key before its value. Write key=value, or remove the line.',
    ]);
  });

  it('an unknown variable was named twice', () => {
    expect(load({ env: { LTS_FOO_BAR: '1' } }).warnings).toEqual(['env LTS_FOO_BAR: no such key.']);
  });
});

describe('files that have no end', () => {
  const unix = it.skipIf(process.platform === 'win32');

  unix('a device held the start up for ever', () => {
    expect(problemsOfText('lts.jobtracker.configs.mongo.password=${file:/dev/zero}')).toEqual([
      expect.stringContaining('/dev/zero is no regular file.'),
    ]);
    expect(problemsOf(() => load({ files: '/dev/zero' }))).toEqual([expect.stringContaining('is no regular file')]);
  });

  unix('a pipe that nobody writes to held the start up for ever', () => {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    expect(problemsOfText('lts.jobtracker.configs.mongo.password=${file:pipe}')).toEqual([
      expect.stringContaining('pipe is no regular file.'),
    ]);
    expect(problemsOf(() => load({ files: 'pipe' }))).toEqual([expect.stringContaining('is no regular file')]);
  });

  it('files have a largest size', () => {
    write('secret', 'x'.repeat(64 * 1024 + 1));
    expect(problemsOfText('lts.jobtracker.configs.mongo.password=${file:secret}')).toEqual([
      expect.stringContaining('secret is larger than 64 KiB.'),
    ]);
    expect(problemsOfText('#'.repeat(1024 * 1024 + 1))).toEqual([expect.stringContaining('is larger than 1024 KiB')]);
    write('lts.properties', `#${' '.repeat(1024 * 1024 - 1)}`);
    expect(load().warnings).toEqual([]);
  });
});

it('names were guessed for every key of a file that was none of ours, which took minutes', () => {
  const problems = problemsOfText('lts.data-pathh=x\n'.repeat(20_000));
  expect(problems.filter((text) => text.includes('Did you mean'))).toHaveLength(20);
  expect(problems).toHaveLength(101);
  expect(problems.at(-1)).toBe('and 19900 more.');
});

it('a file of errors alone has more of them than a call may have arguments', () => {
  expect(problemsOfText('a=\\q\n'.repeat(200_000)).at(-1)).toBe('and 199900 more.');
});
