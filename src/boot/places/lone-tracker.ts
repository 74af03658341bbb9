/**
 * Holds a cluster to one JobTracker where jobs are kept in a store that only one process can use: two such stores would split
 * the cluster, each knowing half of its jobs.
 */
import { LtsError } from '../../errors.js';
import type { NodeInfo } from '../../ports/registry.js';
import { subjectsOf } from '../../protocol/subjects.js';
import { clock } from '../system-ports.js';
import type { NodePlace } from './node-place.js';

type TrackerPlace = Pick<NodePlace, 'identity' | 'startedAt' | 'cluster' | 'transport' | 'registry' | 'giveUp'>;

const answerWithinMs = 2_500;
/** By then the registry has forgotten who is dead. */
const lookAgainAfterMs = 15_000;

/**
 * Throws LTS_CONFIG_INVALID, naming the JobTracker that the cluster has; an entry of a dead one does not count. From then on this
 * node is stopped when it turns out not to be the only one: two that started at once, or one that came while the first was cut
 * off. Of two, the later started stops. The answer ends the watch.
 */
export async function beLoneTracker(place: TrackerPlace): Promise<() => void> {
  const [other] = await othersOf(place);
  const endWatch = watchForAnother(place);
  if (!other || !(await isTrackerThere(place))) return endWatch;
  endWatch();
  throw new LtsError('LTS_CONFIG_INVALID', refusal(place, other));
}

function watchForAnother(place: TrackerPlace): () => void {
  const over = new AbortController();
  const judge = (others: readonly NodeInfo[]) => {
    const first = others.find((other) => isBefore(other, place));
    if (over.signal.aborted || !first) return;
    over.abort(over);
    place.giveUp(refusal(place, first));
  };
  const isOther = ({ identity }: NodeInfo) => identity !== place.identity;
  const endWatch = place.registry.watch(({ added }) => judge(added.filter(isOther)), 'JOB_TRACKER');
  void lookAgain(place, over.signal).then(judge, () => {});
  return () => {
    endWatch();
    over.abort(over);
  };
}

async function lookAgain(place: TrackerPlace, signal: AbortSignal): Promise<readonly NodeInfo[]> {
  await clock.sleep(lookAgainAfterMs, signal);
  return signal.aborted ? [] : othersOf(place);
}

async function othersOf({ registry, identity }: TrackerPlace): Promise<NodeInfo[]> {
  return (await registry.list('JOB_TRACKER')).filter((node) => node.identity !== identity);
}

/** Only of a dead process it is known at once that nobody listens. */
async function isTrackerThere({ cluster, transport }: TrackerPlace): Promise<boolean> {
  const to = { deadlineMs: answerWithinMs };
  try {
    await transport.request(subjectsOf(cluster).tracker, { kind: 'CountJobs', body: {} }, to);
    return true;
  } catch (error) {
    return !LtsError.is(error, 'LTS_NO_TRACKER');
  }
}

const isBefore = (other: NodeInfo, mine: TrackerPlace): boolean =>
  other.startedAt < mine.startedAt || (other.startedAt === mine.startedAt && other.identity < mine.identity);

function refusal({ cluster, identity }: TrackerPlace, other: NodeInfo): string {
  const since = new Date(other.startedAt).toISOString();
  return `Cluster ${cluster} has its JobTracker: ${other.identity}, since ${since}. ${identity} keeps jobs in a store of its own, and a second one would split the cluster. Stop the first, give this one another cluster-name, or keep the jobs of all in MongoDB.`;
}
