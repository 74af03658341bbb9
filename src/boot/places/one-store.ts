/**
 * Holds the JobTrackers of a cluster to one store: two would split the cluster, each knowing half of its jobs. Where jobs are kept in a
 * store that one process alone can use, the cluster has one JobTracker.
 */
import { LtsError } from '../../errors.js';
import type { NodeInfo } from '../../ports/registry.js';
import { subjectsOf } from '../../protocol/subjects.js';
import type { Stores } from '../stores/stores.js';
import { clock } from '../system-ports.js';
import type { NodePlace } from './node-place.js';

interface TrackerPlace
  extends Pick<NodePlace, 'identity' | 'startedAt' | 'cluster' | 'transport' | 'registry' | 'giveUp'> {
  readonly store: Pick<Stores, 'id' | 'isShared'>;
}

const answerWithinMs = 2_500;
/** By then the registry has forgotten who is dead. */
const lookAgainAfterMs = 15_000;

/**
 * Throws LTS_CONFIG_INVALID, naming a JobTracker with another store that the cluster has; an entry of a dead one does not count. From
 * then on this node is stopped when such a one turns up: two that started at once, or one that came while the first was cut off. Of two,
 * the later started stops. The answer ends the watch.
 */
export async function holdToOneStore(place: TrackerPlace): Promise<() => void> {
  const others = await strangersOf(place);
  const endWatch = watchForStrangers(place);
  for (const other of others) {
    if (!(await isThere(place, other))) continue;
    endWatch();
    throw new LtsError('LTS_CONFIG_INVALID', refusal(place, other));
  }
  return endWatch;
}

function watchForStrangers(place: TrackerPlace): () => void {
  const over = new AbortController();
  const judge = (others: readonly NodeInfo[]) => {
    const first = others.find((other) => isBefore(other, place));
    if (over.signal.aborted || !first) return;
    over.abort(over);
    place.giveUp(refusal(place, first));
  };
  const endWatch = place.registry.watch(({ added }) => judge(added.filter(isStrangerTo(place))), 'JOB_TRACKER');
  void lookAgain(place, over.signal).then(judge, () => {});
  return () => {
    endWatch();
    over.abort(over);
  };
}

async function lookAgain(place: TrackerPlace, signal: AbortSignal): Promise<readonly NodeInfo[]> {
  await clock.sleep(lookAgainAfterMs, signal);
  return signal.aborted ? [] : strangersOf(place);
}

async function strangersOf(place: TrackerPlace): Promise<NodeInfo[]> {
  return (await place.registry.list('JOB_TRACKER')).filter(isStrangerTo(place));
}

const isStrangerTo =
  (place: TrackerPlace) =>
  ({ type, identity, store }: NodeInfo): boolean =>
    type === 'JOB_TRACKER' && identity !== place.identity && store !== place.store.id;

/** Only of a dead process it is known at once that nobody listens. */
async function isThere({ cluster, transport }: TrackerPlace, { identity }: NodeInfo): Promise<boolean> {
  const to = { deadlineMs: answerWithinMs };
  try {
    await transport.request(subjectsOf(cluster).trackerOf(identity), { kind: 'CountJobs', body: {} }, to);
    return true;
  } catch (error) {
    return !LtsError.is(error, 'LTS_NO_TRACKER');
  }
}

const isBefore = (other: NodeInfo, mine: TrackerPlace): boolean =>
  other.startedAt < mine.startedAt || (other.startedAt === mine.startedAt && other.identity < mine.identity);

function refusal({ cluster, identity, store }: TrackerPlace, other: NodeInfo): string {
  const since = new Date(other.startedAt).toISOString();
  const move = store.isShared
    ? 'Let all use the same MongoDB database'
    : 'Stop the first, give this one another cluster-name, or keep the jobs of all in MongoDB';
  return `Cluster ${cluster} has its JobTracker: ${other.identity}, since ${since}. ${identity} keeps jobs in another store than that one, which would split the cluster. ${move}.`;
}
