/** `lts nodes`: which nodes of a cluster live. */
import type { Command } from 'commander';
import type { NodeInfo } from '../../boot/local/cluster-nodes.js';
import { type Call, perform } from '../action.js';
import { type ExitCode, exitCodes } from '../exit-codes.js';
import { table } from '../format/table.js';
import { timeText } from '../format/time-text.js';

export function addNodesCommand(program: Command): void {
  program
    .command('nodes')
    .description('list the nodes of a cluster: type, group, identity, since when, and what they can run')
    .action((_options: object, command: Command) => perform<object>(command, listNodes));
}

async function listNodes({ options, out }: Call<object>): Promise<ExitCode> {
  const [{ commandPlace }, { clusterNodes }] = await Promise.all([
    import('../../boot/local/command-place.js'),
    import('../../boot/local/cluster-nodes.js'),
  ]);
  const { config, dataPath, clusterName } = options;
  const place = commandPlace({ files: config, dataPath, clusterName });
  for (const problem of place.problems) out.note(`lts: ${problem}`);
  const nodes = await clusterNodes(place);
  out.answer({ nodes }, () =>
    nodes.length > 0 ? table(['TYPE', 'GROUP', 'IDENTITY', 'SINCE', 'PROCESSORS'], nodes.map(rowOf), out.paint) : '',
  );
  if (nodes.length === 0) out.note(`No node of cluster ${place.cluster} is there.`);
  return exitCodes.done;
}

const rowOf = ({ type, nodeGroup, identity, startedAt, processors = [] }: NodeInfo) =>
  [type, nodeGroup, identity, timeText(startedAt), processors.map(({ id }) => id).join(' ')].map((text) => ({ text }));
