/** Technical log lines through pino: a logger of ours, or the user's own instance. */
import { type DestinationStream, type Logger, pino } from 'pino';
import type { Log } from '../../ports/log.js';

export type { Logger };

export interface PinoLogSettings {
  /** Least level that is written. Default 'info'. */
  readonly level?: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Stands in every line, so that lines of several nodes can be told apart. */
  readonly identity?: string;
  /** Default: standard output. */
  readonly destination?: DestinationStream;
}

/** Fields whose values never reach a log, on the first two levels. */
const secretNames = ['password', 'token', 'secret', 'nkey', 'seed', 'creds', 'credentials'];

/** A `Log` of its own pino logger; values of fields that name a secret are replaced by `[redacted]`. */
export function pinoLog(settings: PinoLogSettings = {}): Log {
  const options = {
    level: settings.level ?? 'info',
    base: settings.identity === undefined ? null : { identity: settings.identity },
    serializers: { error: pino.stdSerializers.err },
    redact: { paths: secretNames.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
  };
  return new PinoLog(settings.destination ? pino(options, settings.destination) : pino(options));
}

/** Writes to a given pino logger, with that logger's own level, redaction and destination. */
export class PinoLog implements Log {
  private readonly showsErrors: boolean;

  constructor(private readonly logger: Logger) {
    this.showsErrors = 'error' in serializersOf(logger);
  }

  debug(fields: object, text: string): void {
    this.logger.debug(this.shown(fields), text);
  }

  info(fields: object, text: string): void {
    this.logger.info(this.shown(fields), text);
  }

  warn(fields: object, text: string): void {
    this.logger.warn(this.shown(fields), text);
  }

  error(fields: object, text: string): void {
    this.logger.error(this.shown(fields), text);
  }

  /** Without a serializer of its own pino writes an error as {}. A child logger with one would not follow later changes of the level. */
  private shown(fields: object): object {
    if (this.showsErrors || !('error' in fields)) return fields;
    return { ...fields, error: pino.stdSerializers.err(fields.error as Error) };
  }
}

/** The key of pino's own is the same symbol in every copy of it. */
const serializersOf = (logger: Logger): object =>
  (logger as { [pino.symbols.serializersSym]?: object })[pino.symbols.serializersSym] ?? {};
