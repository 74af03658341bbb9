/** What an application is told beside its roles. */
import type { Container } from 'inversify';
import type { Logger } from '../../adapters/pino/pino-log.js';
import { LtsError } from '../../errors.js';
import { shown } from '../../kit/shown.js';
import type { OldDataHandler } from '../../ports/old-data.js';
import { type Bean, nameOf } from '../beans/bean-names.js';
import type { Extension } from '../extensions.js';
import { checkOptionNames } from '../node-options.js';

export interface ApplicationOptions {
  /** Globs of the files whose processors are taken, beside `lts.scan`; relative to the properties file, else to the working directory. */
  readonly scan?: string | readonly string[] | undefined;
  /** Processor classes, services that listen, and what `defineProcessor` made. */
  readonly processors?: readonly Bean[] | undefined;
  /** Your own inversify container; what is bound in it here is unbound at stop. */
  readonly container?: Container | undefined;
  /** Properties files, later ones win. Default: ./lts.properties if there is one. */
  readonly config?: string | readonly string[] | undefined;
  /** Settings by key, in any spelling; they win over files and environment. */
  readonly settings?: Readonly<Record<string, unknown>> | undefined;
  /** Your pino logger. Default: JSON lines on standard output, readable ones in a terminal. */
  readonly logger?: Logger | undefined;
  /** Adapters beside those of the package, chosen by name in the settings. */
  readonly extensions?: readonly Extension[] | undefined;
  /** Decides about what waited too long to be sent; see NodeOptions. */
  readonly oldDataHandler?: OldDataHandler | undefined;
  /** SIGTERM and SIGINT stop the application and then the process. Default true. */
  readonly handleSignals?: boolean | undefined;
}

const optionNames = Object.keys({
  scan: true,
  processors: true,
  container: true,
  config: true,
  settings: true,
  logger: true,
  extensions: true,
  oldDataHandler: true,
  handleSignals: true,
} satisfies Record<keyof ApplicationOptions, true>);
const loggerMethods = ['child', 'debug', 'info', 'warn', 'error'] as const;

/** Throws LTS_CONFIG_INVALID, naming the option. What a setting or a processor says is checked where it is used. */
export function checkApplicationOptions(options: ApplicationOptions): void {
  if (typeof options !== 'object' || options === null) throw wrong(`options: ${shown(options)} is no object`);
  checkOptionNames(options, optionNames);
  const { processors = [], logger } = options;
  if (!Array.isArray(processors)) throw wrong(`processors: ${nameOf(processors as unknown as Bean)} is no list`);
  const missing = logger && loggerMethods.find((method) => typeof logger[method] !== 'function');
  if (missing) throw wrong(`logger: it has no method ${missing}; it is no pino logger`);
}

const wrong = (text: string): LtsError => new LtsError('LTS_CONFIG_INVALID', `${text}. Correct the option.`);
