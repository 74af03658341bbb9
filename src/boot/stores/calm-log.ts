/** A log in which an outage is told by who watches over what is away, and what follows from it everywhere is left to level debug. */
import type { Log } from '../../ports/log.js';

/** `isOutage`: the error in a line's fields came of an outage that was told. */
export function calmLog(log: Log, isOutage: (error: unknown) => boolean): Log {
  const calm = (level: 'warn' | 'error') => (fields: { readonly error?: unknown }, text: string) =>
    log[isOutage(fields.error) ? 'debug' : level](fields, text);
  return {
    debug: (fields, text) => log.debug(fields, text),
    info: (fields, text) => log.info(fields, text),
    warn: calm('warn'),
    error: calm('error'),
  };
}
