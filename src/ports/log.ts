/** Technical log lines of a node; the story of a job goes to JobLogger. */
export interface Log {
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}
export const Log = Symbol.for('lts.Log');
