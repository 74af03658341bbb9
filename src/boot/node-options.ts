/** What every node of the embedded shape can be told. */
import { LtsError } from '../errors.js';
import { checkName } from '../job/validate.js';
import { hintAt } from '../kit/nearest.js';
import { shown } from '../kit/shown.js';
import type { Log } from '../ports/log.js';
import type { NodeInfo } from '../ports/registry.js';
import type { StoreChoice } from './embedded.js';
import { checkExtensions, type Extension, findExtension } from './extensions.js';

export interface NodeOptions {
  /** Nodes of one cluster find each other by this name. Default 'lts'. */
  readonly clusterName?: string | undefined;
  /** 'embedded' (default): the nodes of this process. */
  readonly registryAddress?: string | undefined;
  /** Folder of the store and of what could not be sent. Default './data'. */
  readonly dataPath?: string | undefined;
  /** 'lmdb' (default) keeps jobs on disk; 'memory' forgets them with the process; else an extension's name. */
  readonly jobQueue?: string | undefined;
  /** What could not be sent is kept in it: 'lmdb', 'memory' or an extension's name. Default: memory with `jobQueue` memory, else lmdb. */
  readonly failStore?: string | undefined;
  /** Adapters beside those of the package, chosen by name. */
  readonly extensions?: readonly Extension[] | undefined;
  /** Settings of extensions, by extension name. */
  readonly extensionSettings?: Readonly<Record<string, unknown>> | undefined;
  /** Unique among living nodes. Default: made of role, host and pid. */
  readonly identity?: string | undefined;
  /** Technical log lines. Default: JSON lines of level info on standard output. */
  readonly log?: Log | undefined;
  /** Hears who is the master of this node's group, at start and at every change: LTS's MasterChangeListener. */
  readonly masterChangeListener?: MasterChangeListener | undefined;
}

/** Must not throw; what it throws is logged. */
export type MasterChangeListener = (master: NodeInfo, isMaster: boolean) => unknown;

/** With their defaults. */
export function storeChoiceOf(options: NodeOptions): StoreChoice {
  const { jobQueue = 'lmdb', extensions = [], extensionSettings = {} } = options;
  const failStore = options.failStore ?? (jobQueue === 'memory' ? 'memory' : 'lmdb');
  return { jobQueue, failStore, extensions, extensionSettings };
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

/** Throws LTS_CONFIG_INVALID for the first name that is none of `known`. */
export function checkOptionNames(options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new LtsError('LTS_CONFIG_INVALID', `${unknown}: no such option. ${hintAt(unknown, known)}`);
}

const logMethods = ['debug', 'info', 'warn', 'error'] as const;
const nodeKeys = [
  'clusterName',
  'registryAddress',
  'dataPath',
  'jobQueue',
  'failStore',
  'extensions',
  'extensionSettings',
  'identity',
  'log',
  'masterChangeListener',
];

/** What all nodes share, and that no option is misspelt; `ownKeys` are the further options of this kind of node. */
export function checkNodeOptions(options: NodeOptions, ownKeys: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw wrong(`options: ${shown(options)} is no object`);
  checkOptionNames(options, [...nodeKeys, ...ownKeys]);
  const { dataPath, log } = options;
  if (dataPath !== undefined && (typeof dataPath !== 'string' || dataPath === '' || dataPath.includes('\0'))) {
    throw wrong(`dataPath: ${shown(dataPath)} is no path of a folder`);
  }
  const missing = log && logMethods.find((method) => typeof log[method] !== 'function');
  if (missing) throw wrong(`log: it has no method ${missing}(fields, text)`);
  checkName('clusterName', options.clusterName ?? 'lts');
  checkName('identity', options.identity ?? 'made');
  checkRegistryAddress(options.registryAddress ?? 'embedded');
  checkListener(options.masterChangeListener);
  const { jobQueue, failStore, extensions } = storeChoiceOf(options);
  checkExtensions(extensions);
  findExtension('job.queue', jobQueue, extensions);
  findExtension('job.fail.store', failStore, extensions);
}

function checkRegistryAddress(address: string): void {
  if (address === 'embedded') return;
  const shownAddress = shown(address).replace(/\/\/[^@]*@/, '//[redacted]@');
  throw wrong(`registryAddress: ${shownAddress} cannot be used yet: so far there is only 'embedded'`);
}

function checkListener(listener: unknown): void {
  if (listener === undefined || typeof listener === 'function') return;
  throw wrong(`masterChangeListener: ${shown(listener)} is no function`);
}

const wrong = (text: string): LtsError => new LtsError('LTS_CONFIG_INVALID', `${text}. Correct the option.`);
