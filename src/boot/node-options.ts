/** What every node of the embedded shape can be told. */
import { LtsError } from '../errors.js';
import { checkName, checkOneOf } from '../job/validate.js';
import { shown } from '../kit/shown.js';
import type { Log } from '../ports/log.js';

export interface NodeOptions {
  /** Nodes of one cluster find each other by this name. Default 'lts'. */
  readonly clusterName?: string | undefined;
  /** Folder of the store and of what could not be sent. Default './data'. */
  readonly dataPath?: string | undefined;
  /** 'lmdb' (default) keeps jobs on disk; 'memory' forgets them with the process. */
  readonly jobQueue?: 'lmdb' | 'memory' | undefined;
  /** Unique among living nodes. Default: made of role, host and pid. */
  readonly identity?: string | undefined;
  /** Technical log lines. Default: JSON lines of level info on standard output. */
  readonly log?: Log | undefined;
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

const logMethods = ['debug', 'info', 'warn', 'error'] as const;
const nodeKeys = ['clusterName', 'dataPath', 'jobQueue', 'identity', 'log'];

/** What all nodes share, and that no option is misspelt; `ownKeys` are the further options of this kind of node. */
export function checkNodeOptions(options: NodeOptions, ownKeys: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw wrong(`options: ${shown(options)} is no object`);
  const known = [...nodeKeys, ...ownKeys];
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) throw wrong(`${unknown}: no such option. Known: ${known.join(', ')}`);
  const { dataPath, log } = options;
  if (dataPath !== undefined && (typeof dataPath !== 'string' || dataPath === '' || dataPath.includes('\0'))) {
    throw wrong(`dataPath: ${shown(dataPath)} is no path of a folder`);
  }
  const missing = log && logMethods.find((method) => typeof log[method] !== 'function');
  if (missing) throw wrong(`log: it has no method ${missing}(fields, text)`);
  checkName('clusterName', options.clusterName ?? 'lts');
  checkName('identity', options.identity ?? 'made');
  checkOneOf('jobQueue', options.jobQueue ?? 'lmdb', ['lmdb', 'memory']);
}

const wrong = (text: string): LtsError => new LtsError('LTS_CONFIG_INVALID', `${text}. Correct the option.`);
