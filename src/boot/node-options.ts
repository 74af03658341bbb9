/** What every node can be told. */
import type { NodeChangeListener, NodeChangeListenerOptions } from '../decorators/listeners.js';
import { LtsError } from '../errors.js';
import { checkName, checkOneOf, checkWhole } from '../job/validate.js';
import { hintAt } from '../kit/nearest.js';
import { shown } from '../kit/shown.js';
import type { Log } from '../ports/log.js';
import type { OldDataHandler } from '../ports/old-data.js';
import { type NodeInfo, nodeTypes } from '../ports/registry.js';
import { checkExtensions, type Extension, type StoreChoice } from './extensions.js';
import { findExtension } from './own-adapters.js';
import { registryAddress } from './settings/table/rules.js';

export interface NodeOptions {
  /** Nodes of one cluster find each other by this name. Default 'lts'. */
  readonly clusterName?: string | undefined;
  /** 'embedded' (default): the nodes of this process. 'nats://host:4222' (several with commas): a cluster. */
  readonly registryAddress?: string | undefined;
  /** How to reach that NATS; nothing of it counts for an embedded node. */
  readonly nats?: NatsOptions | undefined;
  /** Folder of the store and of what could not be sent. Default './data'. */
  readonly dataPath?: string | undefined;
  /** 'lmdb' (default) keeps jobs on disk; 'memory' forgets them with the process; 'mongo' is for clusters; else an extension's name. */
  readonly jobQueue?: string | undefined;
  /**
   * What could not be sent is kept in it: 'lmdb', 'leveldb' (needs the package `classic-level`), 'memory' or an extension's name.
   * Default: memory with `jobQueue` memory, else lmdb.
   */
  readonly failStore?: string | undefined;
  /** Adapters beside those of the package, chosen by name. */
  readonly extensions?: readonly Extension[] | undefined;
  /** Settings of extensions, by extension name. */
  readonly extensionSettings?: Readonly<Record<string, unknown>> | undefined;
  /** Unique among living nodes. Default: made of role, host and pid. */
  readonly identity?: string | undefined;
  /** Technical log lines. Default: JSON lines of level info on standard output. */
  readonly log?: Log | undefined;
  /**
   * Decides about what waited too long to be sent: LTS's OldDataHandler. Submissions, results and log lines in the FailStore; at a
   * JobTracker feedback. Default: the FailStore is sent whatever its age, feedback is dropped after 7 days.
   */
  readonly oldDataHandler?: OldDataHandler | undefined;
  /** Hears who is the master of this node's group, at start and at every change: LTS's MasterChangeListener. */
  readonly masterChangeListener?: MasterChangeListener | undefined;
  /** Hears which nodes are in the cluster, of `nodeTypes` if it names some: LTS's NodeChangeListener. */
  readonly nodeChangeListener?: (NodeChangeListener & NodeChangeListenerOptions) | undefined;
  /** Hears why this node cannot go on, just before it stops itself: its identity is another's, its connection is refused for good. */
  readonly giveUpListener?: GiveUpListener | undefined;
}

/** At most one kind of credentials, here or in the address. */
export interface NatsOptions {
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  /** The seed of an nkey, `SU…`. */
  readonly nkeySeed?: string | undefined;
  /** A file with a JWT and its nkey seed, read again at every reconnect. */
  readonly credsFile?: string | undefined;
  /** PEM files, read again at every reconnect. Default: TLS for `tls://` addresses, by the system's authorities. */
  readonly tls?:
    | {
        readonly caFile?: string | undefined;
        readonly certFile?: string | undefined;
        readonly keyFile?: string | undefined;
        /** For servers that speak TLS from the first byte. Default false. */
        readonly isHandshakeFirst?: boolean | undefined;
      }
    | undefined;
  /** The first connection must stand within this time, in ms. Default 10,000. */
  readonly connectWithinMs?: number | undefined;
  /** A server that does not answer two pings in a row is given up; in ms. Default 5,000. */
  readonly pingEveryMs?: number | undefined;
  /** Copies of the registry in a cluster of NATS servers: 1, 3 or 5. Default 1. */
  readonly replicas?: number | undefined;
}

/** Not waited for; what it throws is logged. */
export type MasterChangeListener = (master: NodeInfo, isMaster: boolean) => unknown;

/** Must not throw; what it throws is logged. */
export type GiveUpListener = (why: string) => unknown;

export const isEmbedded = ({ registryAddress = 'embedded' }: NodeOptions): boolean => registryAddress === 'embedded';

/** The servers of a registry address that is not embedded. */
export const serversOf = ({ registryAddress = '' }: NodeOptions): string[] =>
  registryAddress
    .split(',')
    .map((server) => server.trim())
    .filter((server) => server !== '');

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
  'nats',
  'dataPath',
  'jobQueue',
  'failStore',
  'extensions',
  'extensionSettings',
  'identity',
  'log',
  'oldDataHandler',
  'masterChangeListener',
  'nodeChangeListener',
  'giveUpListener',
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
  checkNats(options.nats ?? {});
  checkListener('masterChangeListener', options.masterChangeListener);
  checkListener('giveUpListener', options.giveUpListener);
  checkNodeListener(options.nodeChangeListener);
  checkOldDataHandler(options.oldDataHandler);
  const { jobQueue, failStore, extensions } = storeChoiceOf(options);
  checkExtensions(extensions);
  findExtension('job.queue', jobQueue, extensions);
  if (jobQueue === 'mongo' && isEmbedded(options)) {
    throw wrong(
      'jobQueue (lts.jobtracker.configs.job.queue): mongo keeps the jobs of a cluster; set registryAddress (lts.registry-address) to nats://host:4222, or choose lmdb',
    );
  }
  findExtension('job.fail.store', failStore, extensions);
}

function checkRegistryAddress(address: string): void {
  registryAddress.read(address, { key: 'registryAddress', folder: '.', extensionsOf: () => [] });
}

const natsKeys = [
  'user',
  'password',
  'token',
  'nkeySeed',
  'credsFile',
  'tls',
  'connectWithinMs',
  'pingEveryMs',
  'replicas',
];

/** What the values themselves are worth shows when the connection is made. */
function checkNats(nats: NatsOptions): void {
  if (typeof nats !== 'object' || nats === null) throw wrong(`nats: ${shown(nats)} is no object`);
  const unknown = Object.keys(nats).find((key) => !natsKeys.includes(key));
  if (unknown !== undefined) throw wrong(`nats.${unknown}: no such option. Known: ${natsKeys.join(', ')}`);
  checkWhole('nats.connectWithinMs', nats.connectWithinMs ?? 1, { min: 1, max: 3_600_000 });
  checkWhole('nats.pingEveryMs', nats.pingEveryMs ?? 100, { min: 100, max: 3_600_000 });
  checkOneOf('nats.replicas', String(nats.replicas ?? 1), ['1', '3', '5']);
}

function checkListener(name: string, listener: unknown): void {
  if (listener === undefined || typeof listener === 'function') return;
  throw wrong(`${name}: ${shown(listener)} is no function`);
}

function checkNodeListener(listener: NodeOptions['nodeChangeListener']): void {
  if (listener === undefined) return;
  const methods = [listener?.addNodes, listener?.removeNodes].filter((method) => method !== undefined);
  if (methods.length === 0 || methods.some((method) => typeof method !== 'function'))
    throw wrong('nodeChangeListener: it has no method addNodes(nodes) or removeNodes(nodes)');
  if (!Array.isArray(listener.nodeTypes ?? [])) throw wrong('nodeChangeListener.nodeTypes: give a list of node types');
  for (const type of listener.nodeTypes ?? []) checkOneOf('nodeChangeListener.nodeTypes', type, nodeTypes);
}

function checkOldDataHandler(handler: OldDataHandler | undefined): void {
  if (handler === undefined) return;
  if (typeof handler?.handle !== 'function') throw wrong('oldDataHandler: it has no method handle(data)');
  checkWhole('oldDataHandler.olderThanMs', handler.olderThanMs ?? 0, { min: 0, max: Number.MAX_SAFE_INTEGER });
}

const wrong = (text: string): LtsError => new LtsError('LTS_CONFIG_INVALID', `${text}. Correct the option.`);
