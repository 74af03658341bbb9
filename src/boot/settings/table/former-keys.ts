/** Keys of LTS that have no meaning here. Old files have them: each yields a warning with the reason. */
import { restAfter, stripped } from './spelling.js';

/** Keys as in LTS, less a leading `lts.`; a `*` stands for any rest. */
export const formerKeys: readonly { readonly keys: readonly string[]; readonly reason: string }[] = [
  {
    keys: ['bind-ip', 'listen-port', 'netty.*', 'remoting*', 'http.cmd.port', 'job.processor.thread'],
    reason: 'nodes talk in memory or over NATS and open no port of their own',
  },
  {
    keys: ['zk.client', 'retry.period', 'reconnect.period', 'redis.session.timeout', 'cluster'],
    reason: 'the registry is embedded or NATS',
  },
  { keys: ['jdbc.*', 'druid.*'], reason: 'jobs are kept in LMDB or MongoDB' },
  {
    keys: ['java.compiler', 'json', 'logger', 'event.center', 'enableDotLog', 'enablePeriod'],
    reason: 'it chooses a part of the Java program',
  },
  {
    keys: ['jobclient.select.loadbalance'],
    reason: 'feedback goes to any JobClient of its group that wants it, at random',
  },
  {
    keys: ['loadbalance'],
    reason: 'how a JobTracker is chosen says configs.jobtracker.select.loadbalance of a JobClient or TaskTracker',
  },
  {
    keys: ['job.submit.*', 'job.pull.frequency', 'job.preloader.*', 'job.tracker.push*', 'lazy.job.logger*'],
    reason: 'batches form by themselves, and a full queue answers busy',
  },
  {
    keys: ['jobtracker.executing.job.fix.*', 'jobtracker.fix.executing.job.*'],
    reason: 'sessions have leases, and probes find nodes that are gone',
  },
  {
    keys: ['jobtracker.nonRelyOnPrevCycleJob.*', 'jobtracker.retry.time.generator'],
    reason: 'the next slot is computed when it is needed, and each job may name its retry policy',
  },
  {
    keys: ['tasktracker.stop.working.enable'],
    reason: 'lts.tasktracker.lease-lost says what runs do when their node is cut off',
  },
  {
    keys: ['task.tracker.biz.logger.failstore.*', 'task.tracker.job.result.failstore.*'],
    reason: 'what could not be sent is always kept in the FailStore',
  },
  { keys: ['lb.*', 'monitor*', 'mStatReporterClosed', 'mail.*'], reason: 'there is no Monitor and no mail' },
  {
    keys: ['job-runner-class', 'dispatch-runner.*', 'useSpring', 'springXmlPaths'],
    reason: 'runners are classes marked @JobRunner or @Processor, which lts.scan finds',
  },
  { keys: ['jobProp.*'], reason: 'there is no Quartz bridge' },
  {
    keys: ['admin.*', 'console.*', 'jobT.job.*', 'jobT.jdbc.*', 'jobT.mongo.*'],
    reason: 'this version has no console',
  },
];

/** Keys stand alone, below `lts` or a role, or below the `configs` of these. */
const prefixes = ['lts', 'lts.jobclient', 'lts.jobtracker', 'lts.tasktracker'].flatMap((prefix) => [
  `${prefix}.configs`,
  prefix,
]);

const patterns = formerKeys.flatMap(({ keys, reason }) => keys.map((key) => ({ pattern: patternOf(key), reason })));

function patternOf(key: string): RegExp {
  return new RegExp(`^(lts)?${stripped(key).replaceAll('*', '.*')}$`);
}

/** Why a key of LTS does nothing here; undefined for other keys. */
export function formerReason(key: string): string | undefined {
  const rests = ['configs', ...prefixes].map((prefix) => restAfter(key, prefix)).concat(key);
  const words = rests.filter((rest) => rest !== undefined).map(stripped);
  return patterns.find(({ pattern }) => words.some((word) => pattern.test(word)))?.reason;
}
