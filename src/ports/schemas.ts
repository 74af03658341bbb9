/** Checks params by their class or schema. */
import type { ParamsSchema } from '../job/contract.js';

export interface Schemas {
  /**
   * The params as the handler gets them: an instance of the class, or the schema's output, defaults filled in. Throws
   * LTS_PARAMS_INVALID, naming each wrong path (`lines[2].price`) and its rule; LTS_PROCESSOR_INVALID when the class or its rules
   * cannot be used or threw. Never changes `value`.
   */
  check<Output>(schema: ParamsSchema<unknown, Output>, value: unknown): Promise<Output>;
}
export const Schemas = Symbol.for('lts.Schemas');
