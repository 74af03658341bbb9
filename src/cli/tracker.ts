/** What commands about jobs share: the way to the application, what ends a wait, and how a job is named. */
import type { Command } from 'commander';
import type { CommandPlace } from '../boot/local/command-place.js';
import type { TrackerAccess } from '../boot/local/tracker-access.js';
import { LtsError } from '../errors.js';
import type { GlobalOptions, Output } from './output.js';

export interface Jobs extends TrackerAccess {
  readonly dataPath: string;
}

interface Call {
  readonly options: GlobalOptions;
  readonly out: Output;
  /** `change` needs a running application; questions are also answered from the store. */
  readonly need: 'read' | 'change';
}

/** Runs `use` with the application that the options name. Throws LTS_NO_TRACKER and what the application answers. */
export async function withTracker<T>({ options, out, need }: Call, use: (jobs: Jobs) => Promise<T>): Promise<T> {
  const [{ commandPlace }, { accessTracker }] = await Promise.all([
    import('../boot/local/command-place.js'),
    import('../boot/local/tracker-access.js'),
  ]);
  const { config, dataPath, clusterName } = options;
  const place = commandPlace({ files: config, dataPath, clusterName });
  for (const problem of place.problems) out.note(`lts: ${problem}`);
  const access = await accessTracker({ ...place, need });
  try {
    if (access.from === 'store')
      out.note(`No application is running on ${place.dataPath}; this is what its store holds.`);
    return await use({ ...access, dataPath: place.dataPath });
  } catch (error) {
    throw explained(error, { access, place });
  } finally {
    await access.close();
  }
}

/** The owner of the path, or NATS, is there, but nobody answers for this cluster. */
function explained(error: unknown, { access, place }: { access: TrackerAccess; place: CommandPlace }): unknown {
  if (!LtsError.is(error, 'LTS_NO_TRACKER') || access.from === 'store' || access.lost.aborted) return error;
  if (access.from === 'cluster') {
    const text = `No JobTracker of cluster ${place.cluster} answers over NATS. Start one: lts jobtracker; or name its cluster with --cluster-name.`;
    return new LtsError('LTS_NO_TRACKER', text, { cause: error });
  }
  const text = `Process ${access.pid} owns ${place.dataPath}, but no JobTracker of cluster ${place.cluster} runs in it. Start one there, or name its cluster with --cluster-name.`;
  return new LtsError('LTS_NO_TRACKER', text, { cause: error });
}

/** The job that a command is about, named as in `keyOf`. */
export function addJobArgument(command: Command): Command {
  return command
    .argument('<id>', 'job id; with --node-group the task id of an open job')
    .option('--node-group <name>', 'the group in which the id is a task id');
}

export function unknownJob(id: string, nodeGroup: string | undefined): LtsError {
  const hint =
    nodeGroup === undefined
      ? 'Is it a task id? Then name its group with --node-group. An ended job is removed after its retention time.'
      : 'By task id only open jobs are found; see lts jobs --task-id for ended ones.';
  return new LtsError('LTS_JOB_NOT_FOUND', `${id} is not known. ${hint}`);
}

/** A job is named by its jobId or, with a node group, by its taskId. */
export function keyOf(id: string, nodeGroup: string | undefined) {
  return nodeGroup === undefined ? { jobId: id } : { taskId: id, nodeGroup };
}
