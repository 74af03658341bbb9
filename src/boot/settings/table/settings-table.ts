/**
 * The one table of settings. A group's names are the options that it feeds, so the table is at once the rule of lts.properties,
 * its documentation and the type of what boot gets.
 */
import { leaseLostChoices } from '../../../job/job.js';
import { logLevels } from '../../../job/log-line.js';
import * as rule from './rules.js';
import { inherited, optional, type Setting, type SettingGroup, setting } from './setting.js';

const shared = {
  clusterName: setting('lts.cluster-name', rule.name, {
    default: 'lts',
    meaning: 'Nodes of one cluster find each other by this name.',
  }),
  registryAddress: setting('lts.registry-address', rule.registryAddress, {
    default: 'embedded',
    meaning: 'How nodes find each other: embedded is one process; nats:// is a cluster.',
  }),
  dataPath: setting('lts.data-path', rule.path, {
    default: './data',
    meaning: 'Folder of the store and of what could not be sent.',
  }),
  identity: optional(
    'lts.identity',
    rule.name,
    'Names the nodes of this process: -JC, -JT or -TT is appended. Without it a name is made of role, host and pid.',
  ),
};

const application = {
  scan: optional('lts.scan', rule.patterns, 'Files with processor classes.'),
  healthPort: optional(
    'lts.health.port',
    rule.whole({ min: 0, max: 65_535 }),
    'Port of /health/live and /health/ready; 0 takes any free one. Without it there is no server.',
  ),
  healthHost: setting('lts.health.host', rule.text, {
    default: '127.0.0.1',
    meaning: 'Address that the health server listens on; 0.0.0.0 for all.',
  }),
  stopDeadlineMs: setting('lts.stop-deadline', rule.duration({ min: '0ms', max: '1h' }), {
    default: '25s',
    meaning: 'A stop is over by then: what still runs is given up and runs again elsewhere or later.',
  }),
  logLevel: setting('lts.log.level', rule.choice(['debug', 'info', 'warn', 'error', 'silent']), {
    default: 'info',
    meaning: 'Least level of technical log lines.',
  }),
  logPretty: setting('lts.log.pretty', rule.choice(['auto', 'true', 'false']), {
    default: 'auto',
    meaning: 'Log lines for people instead of JSON; auto does so in a terminal.',
  }),
};

const failStore = optional(
  'lts.jobtracker.configs.job.fail.store',
  rule.failStore,
  'What could not be sent is kept in it. Default: memory with job.queue memory, else lmdb. leveldb needs: npm install classic-level@3.',
);

/** For `lts.registry-address=nats://…`. A file that all roles share may give each its own user. */
const nats = {
  user: optional('lts.nats.user', rule.text, 'Who logs in to NATS; the address may say so, too.'),
  password: optional('lts.nats.password', rule.secret, 'Password of that user.'),
  token: optional('lts.nats.token', rule.secret, 'In place of a user: a token.'),
  nkeySeed: optional('lts.nats.nkey-seed', rule.secret, 'In place of a user: the seed of an nkey.'),
  credsFile: optional('lts.nats.creds-file', rule.path, 'In place of a user: a file with a JWT and its nkey seed.'),
  caFile: optional('lts.nats.tls.ca-file', rule.path, 'PEM file of the authorities that may vouch for the server.'),
  certFile: optional('lts.nats.tls.cert-file', rule.path, 'PEM file of the certificate that this node shows.'),
  keyFile: optional('lts.nats.tls.key-file', rule.path, 'PEM file of the key of that certificate.'),
  isHandshakeFirst: setting('lts.nats.tls.handshake-first', rule.boolean, {
    default: 'false',
    meaning: 'For servers that speak TLS from the first byte.',
  }),
  connectWithinMs: setting('lts.nats.connect-within', rule.duration({ min: '1ms', max: '1h' }), {
    default: '10s',
    meaning: 'The first connection must stand within this time.',
  }),
  pingEveryMs: setting('lts.nats.ping-interval', rule.duration({ min: '100ms', max: '1h' }), {
    default: '5s',
    meaning: 'A server that does not answer two pings in a row is given up.',
  }),
  replicas: setting('lts.nats.replicas', rule.whole({ min: 1, max: 5, unit: 'copies' }), {
    default: '1',
    meaning: 'Copies of the registry in a cluster of NATS servers: 1, 3 or 5.',
  }),
};

/** A role's own login. */
function ownNats(role: string) {
  return {
    natsUser: inherited(`lts.${role}.nats.user`, nats.user),
    natsPassword: inherited(`lts.${role}.nats.password`, nats.password),
    natsToken: inherited(`lts.${role}.nats.token`, nats.token),
    natsNkeySeed: inherited(`lts.${role}.nats.nkey-seed`, nats.nkeySeed),
    natsCredsFile: inherited(`lts.${role}.nats.creds-file`, nats.credsFile),
  };
}

/** What every role may say for itself. */
function ownPlace(role: string, suffix: string) {
  return {
    clusterName: inherited(`lts.${role}.cluster-name`, shared.clusterName),
    registryAddress: inherited(`lts.${role}.registry-address`, shared.registryAddress),
    dataPath: inherited(`lts.${role}.data-path`, shared.dataPath),
    ...ownNats(role),
    identity: optional(
      `lts.${role}.identity`,
      rule.name,
      `Unique among living nodes. Default: lts.identity and ${suffix}.`,
    ),
  };
}

const jobClient = {
  ...ownPlace('jobclient', '-JC'),
  failStore: inherited('lts.jobclient.configs.job.fail.store', failStore),
  nodeGroup: setting('lts.jobclient.node-group', rule.name, {
    default: 'lts',
    meaning: 'The submitting group: its clients get the feedback.',
  }),
  useRetryClient: setting('lts.jobclient.use-retry-client', rule.boolean, {
    default: 'true',
    meaning: 'A submission that no JobTracker answers goes to the FailStore and is sent later.',
  }),
  submitWithinMs: setting('lts.jobclient.submit-within', rule.duration({ min: '1ms', max: '1h' }), {
    default: '5s',
    meaning: 'A submit settles within this time.',
  }),
  loadBalance: setting('lts.jobclient.configs.jobtracker.select.loadbalance', rule.loadBalance, {
    default: 'random',
    meaning: 'Which JobTracker each request goes to: any, each in turn, one of its own, or the master.',
  }),
};

const taskTracker = {
  ...ownPlace('tasktracker', '-TT'),
  failStore: inherited('lts.tasktracker.configs.job.fail.store', failStore),
  nodeGroups: setting('lts.tasktracker.node-group', rule.names, {
    default: 'lts',
    meaning: 'The group whose jobs it runs; of several, each gets a TaskTracker.',
  }),
  workThreads: setting('lts.tasktracker.work-threads', rule.whole({ min: 1, max: 100_000, unit: 'runs' }), {
    default: '64',
    meaning: 'Most runs at a time, in each node group.',
  }),
  bizLoggerLevel: setting('lts.tasktracker.biz-logger-level', rule.choice(logLevels), {
    default: 'INFO',
    meaning: 'Biz-log lines below this level are not kept.',
  }),
  leaseLost: setting('lts.tasktracker.lease-lost', rule.choice(leaseLostChoices), {
    default: 'abort',
    meaning: "What runs do when the node's lease could not be renewed in time.",
  }),
  abortGraceMs: setting('lts.tasktracker.abort-grace', rule.duration({ min: '0ms', max: '1h' }), {
    default: '5s',
    meaning: 'An aborted run that does not return within this time is given up.',
  }),
  loadBalance: setting('lts.tasktracker.configs.jobtracker.select.loadbalance', rule.loadBalance, {
    default: 'random',
    meaning: 'Which JobTracker serves it until that one is gone: any, the next in turn, one of its own, or the master.',
  }),
};

const jobTracker = {
  ...ownPlace('jobtracker', '-JT'),
  jobQueue: setting('lts.jobtracker.configs.job.queue', rule.adapter('job.queue', ['lmdb', 'memory', 'mongo']), {
    default: 'lmdb',
    meaning:
      'Where jobs are kept. memory forgets them with the process; mongo is for any number of JobTrackers of a cluster.',
  }),
  jobLogger: optional(
    'lts.jobtracker.configs.job.logger',
    rule.adapter('job.logger', ['lmdb', 'memory', 'console', 'mongo']),
    'Where the story of each job goes; console is the technical log. Default: beside the jobs.',
  ),
  maxRetryTimes: setting(
    'lts.jobtracker.configs.job.max.retry.times',
    rule.whole({ min: 0, max: 1_000_000, unit: 'retries' }),
    {
      default: '10',
      meaning: 'For jobs that do not name their own.',
    },
  ),
  retryIntervalMs: setting(
    'lts.jobtracker.configs.jobtracker.job.retry.interval.millis',
    rule.duration({ min: '0ms', max: '366d' }),
    { default: '30000', meaning: 'Pause before a retry, for jobs that do not name their own.' },
  ),
  failStore,
  keepEndedMs: setting('lts.jobtracker.keep-ended', rule.duration({ min: '0ms', max: '36600d' }), {
    default: '7d',
    meaning: 'Ended jobs are kept this long, and at least 10 minutes.',
  }),
  keepEndedMax: setting('lts.jobtracker.keep-ended-max', rule.whole({ min: 0, max: 1_000_000_000, unit: 'jobs' }), {
    default: '1000000',
    meaning: 'Most ended jobs kept.',
  }),
  timeZone: optional(
    'lts.jobtracker.time-zone',
    rule.timeZone,
    "Zone of cron expressions that name none. Default: the process's zone.",
  ),
};

/** For `job.queue=mongo` and `job.logger=mongo`. */
const mongo = {
  addresses: setting('lts.jobtracker.configs.mongo.addresses', rule.mongoAddresses, {
    default: '127.0.0.1:27017',
    meaning: 'Servers of the MongoDB that keeps the jobs.',
  }),
  database: optional(
    'lts.jobtracker.configs.mongo.database',
    rule.name,
    'Database of the jobs. Default: that of the address, else lts.',
  ),
  username: optional('lts.jobtracker.configs.mongo.username', rule.text, 'Who logs in to MongoDB.'),
  password: optional('lts.jobtracker.configs.mongo.password', rule.secret, 'Password of that user.'),
};

/** In the order of the documents. */
export const settingsTable = { shared, nats, application, jobClient, taskTracker, jobTracker, mongo };

export const allSettings: readonly Setting<unknown>[] = Object.values<SettingGroup>(settingsTable).flatMap((group) =>
  Object.values(group),
);
