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
  constructor(private readonly logger: Logger) {}

  debug(fields: object, text: string): void {
    this.logger.debug(fields, text);
  }

  info(fields: object, text: string): void {
    this.logger.info(fields, text);
  }

  warn(fields: object, text: string): void {
    this.logger.warn(fields, text);
  }

  error(fields: object, text: string): void {
    this.logger.error(fields, text);
  }
}
