/** What every node of the embedded shape can be told. */
import { pinoLog } from '../adapters/pino/pino-log.js';
import { LtsError } from '../errors.js';
import { checkName, checkOneOf } from '../job/validate.js';
import type { Log } from '../ports/log.js';
import { EmbeddedCluster, type StoreName } from './embedded.js';
import { newIdentity } from './system-ports.js';

export interface NodeOptions {
  /** Nodes of one cluster find each other by this name. Default 'lts'. */
  readonly clusterName?: string | undefined;
  /** Folder of the store and of what could not be sent. Default './data'. */
  readonly dataPath?: string | undefined;
  /** 'lmdb' (default) keeps jobs on disk; 'memory' forgets them with the process. */
  readonly jobQueue?: StoreName | undefined;
  /** Unique among living nodes. Default: made of role, host and pid. */
  readonly identity?: string | undefined;
  /** Technical log lines. Default: JSON lines of level info on standard output. */
  readonly log?: Log | undefined;
}

/** A node's options with their defaults, and its place in the process's cluster. */
export interface NodePlace {
  readonly cluster: string;
  readonly identity: string;
  readonly log: Log;
  readonly embedded: EmbeddedCluster;
}

/** Runs checks that name an option; what they find is LTS_CONFIG_INVALID. */
export function checkOptions(checks: () => void): void {
  try {
    checks();
  } catch (error) {
    if (!LtsError.is(error)) throw error;
    throw new LtsError('LTS_CONFIG_INVALID', error.message, { cause: error });
  }
}

export async function enterCluster(options: NodeOptions, prefix: 'JC' | 'JT' | 'TT'): Promise<NodePlace> {
  checkOptions(() => {
    checkName('clusterName', options.clusterName ?? 'lts');
    checkName('identity', options.identity ?? 'made');
    checkOneOf('jobQueue', options.jobQueue ?? 'lmdb', ['lmdb', 'memory']);
  });
  const identity = options.identity ?? newIdentity(prefix);
  const log = options.log ?? pinoLog({ identity });
  const embedded = await EmbeddedCluster.enter(options.dataPath ?? './data', options.jobQueue ?? 'lmdb', log);
  return { cluster: options.clusterName ?? 'lts', identity, log, embedded };
}
