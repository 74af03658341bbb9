/** A node's place where its requests go to the JobTracker of its choice; what it chooses from is what the registry shows. */
import { ChoosingTransport } from '../../cluster/choosing-transport.js';
import { Looks } from '../../cluster/looks.js';
import { type LoadBalance, TrackerChoice } from '../../cluster/tracker-choice.js';
import { subjectsOf } from '../../protocol/subjects.js';
import { clock } from '../system-ports.js';
import type { NodePlace } from './node-place.js';

export interface ChoosingOptions {
  /** Default 'random'. */
  readonly loadBalance?: LoadBalance | undefined;
  /** The message kinds that choose. Default: all. */
  readonly kinds?: readonly string[] | undefined;
}

/** `random` looks at the registry when a tracker does not answer, the others from the start and at every change. */
export async function choosing(
  place: NodePlace,
  { loadBalance = 'random', kinds }: ChoosingOptions,
): Promise<NodePlace> {
  const { identity, transport: inner } = place;
  const choice = new TrackerChoice(loadBalance, { identity, clock });
  const looks = looksAtTrackers(place, choice);
  const way = { choice, kinds, ...wayOf(place) };
  if (loadBalance === 'random') {
    const onSilence = () => void looks.again();
    return { ...place, transport: new ChoosingTransport(inner, { ...way, onSilence }) };
  }
  const endWatch = await watchTrackers(place, looks);
  const leave = () => {
    endWatch();
    return place.leave();
  };
  return { ...place, transport: new ChoosingTransport(inner, way), leave };
}

function wayOf({ type, cluster }: NodePlace) {
  const { tracker, trackerOf, runs, runsOf } = subjectsOf(cluster);
  return type === 'TASK_TRACKER' ? { any: runs, of: runsOf } : { any: tracker, of: trackerOf };
}

function looksAtTrackers({ registry, log }: NodePlace, choice: TrackerChoice): Looks {
  const look = async () => {
    const nodes = await registry.list('JOB_TRACKER');
    const [first] = nodes;
    const master = first && (await registry.master('JOB_TRACKER', first.nodeGroup));
    choice.know({ nodes, master: master?.identity });
  };
  return new Looks(look, (error) =>
    log.warn({ error }, 'the registry does not say which JobTrackers there are; any of them is asked'),
  );
}

/** Resolves when the choice knows the trackers of the moment, or the registry did not answer: then any is asked until it does. */
async function watchTrackers({ registry }: NodePlace, looks: Looks): Promise<() => void> {
  const ends = [
    registry.watch(() => void looks.again(), 'JOB_TRACKER'),
    registry.watchMasters(({ type }) => {
      if (type === 'JOB_TRACKER') void looks.again();
    }),
  ];
  await looks.again();
  return () => {
    for (const end of ends) end();
  };
}
