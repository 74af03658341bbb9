/** Adapters by name: what `lts.jobtracker.configs.job.queue=<name>` and its kin choose from. LTS's SPI. */
import { LtsError } from '../errors.js';
import type { OutputOf, ParamsSchema } from '../job/contract.js';
import { checkName, checkOneOf } from '../job/validate.js';
import type { Chance } from '../ports/chance.js';
import type { Clock } from '../ports/clock.js';
import type { FailStore } from '../ports/fail-store.js';
import type { Ids } from '../ports/ids.js';
import type { JobLogger } from '../ports/job-logger.js';
import type { JobQueue } from '../ports/job-queue.js';
import type { Log } from '../ports/log.js';

export interface PortOf {
  'job.queue': JobQueue;
  'job.logger': JobLogger;
  'job.fail.store': FailStore;
}
export type PortName = keyof PortOf;

/** What an adapter is made from. */
export interface ExtensionPlace<Settings = unknown> {
  /** The keys `configs.<name>.*` of lts.properties, or `extensionSettings[name]`; checked by the extension's `settings`. */
  readonly settings: Settings;
  /** A folder that is this process's alone. */
  readonly dataPath: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly chance: Chance;
  /** The adapter cannot go on: nothing more may be acknowledged, so the process ends. */
  readonly onFatal: (error: LtsError) => void;
}

export interface ExtensionOf<Port extends PortName, Place> {
  readonly port: Port;
  /** What settings call it by. */
  readonly name: string;
  /** Class or schema of its settings. Default: any text keys. */
  readonly settings?: ParamsSchema | undefined;
  /** Makes the adapter; it is opened and closed with its node. */
  create(place: Place): PortOf[Port] | Promise<PortOf[Port]>;
}

/** One more adapter for a port, chosen by name: LTS's SPI. */
export type Extension = { [Port in PortName]: ExtensionOf<Port, ExtensionPlace> }[PortName];

/** The extension itself, with the type of its settings inferred from their class or schema. */
export function defineExtension<Port extends PortName, Schema extends ParamsSchema>(extension: {
  readonly port: Port;
  readonly name: string;
  readonly settings: Schema;
  create(place: ExtensionPlace<OutputOf<Schema>>): PortOf[Port] | Promise<PortOf[Port]>;
}): Extension {
  return extension as unknown as Extension;
}

/** Where things are kept, by the names of adapters, and the adapters that do not come with the package. */
export interface StoreChoice {
  readonly jobQueue: string;
  readonly failStore: string;
  readonly extensions: readonly Extension[];
  /** Settings of extensions by their name. */
  readonly extensionSettings: Readonly<Record<string, unknown>>;
}

/** Throws LTS_CONFIG_INVALID, naming what an extension lacks. */
export function checkExtensions(extensions: readonly Extension[]): void {
  if (!Array.isArray(extensions)) throw new LtsError('LTS_CONFIG_INVALID', 'extensions: give a list of extensions.');
  for (const extension of extensions) {
    checkOneOf('extensions: port', extension?.port, ['job.queue', 'job.logger', 'job.fail.store']);
    checkName('extensions: name', extension.name);
    if (typeof extension.create === 'function') continue;
    throw new LtsError('LTS_CONFIG_INVALID', `extensions: ${extension.name} has no create(place).`);
  }
}
