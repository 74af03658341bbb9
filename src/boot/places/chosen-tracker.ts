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

/** The place itself for `random`, which needs neither the registry nor a further step on the way. */
export async function choosing(
  place: NodePlace,
  { loadBalance = 'random', kinds }: ChoosingOptions,
): Promise<NodePlace> {
  if (loadBalance === 'random') return place;
  const { identity, cluster } = place;
  const choice = new TrackerChoice(loadBalance, { identity, clock });
  const endWatch = await watchTrackers(place, choice);
  return {
    ...place,
    transport: new ChoosingTransport(place.transport, { choice, subjects: subjectsOf(cluster), kinds }),
    leave: () => {
      endWatch();
      return place.leave();
    },
  };
}

/** Resolves when the choice knows the trackers of the moment, or the registry did not answer: then any is asked until it does. */
async function watchTrackers({ registry, log }: NodePlace, choice: TrackerChoice): Promise<() => void> {
  const look = async () => {
    const nodes = await registry.list('JOB_TRACKER');
    const [first] = nodes;
    const master = first && (await registry.master('JOB_TRACKER', first.nodeGroup));
    choice.know({ nodes, master: master?.identity });
  };
  const looks = new Looks(look, (error) =>
    log.warn({ error }, 'the registry does not say which JobTrackers there are; any of them is asked'),
  );
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
