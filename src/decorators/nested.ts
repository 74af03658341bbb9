/** @Nested: params classes within params classes. */
import { LtsError } from '../errors.js';
import type { Class } from '../job/contract.js';
import { markNested } from '../job/nested-marks.js';

/**
 * The property is an instance of this class, or a list of such: its data is made one and checked by its rules, also without
 * class-validator's `@ValidateNested`. `@Nested(() => Date)` makes a Date of an ISO 8601 text. A function, so that classes may
 * name each other in any order. For a property that must be a list add `@IsArray()`. Throws LTS_PROCESSOR_INVALID where it is
 * compiled without `experimentalDecorators`.
 */
export const Nested =
  (type: () => Class): PropertyDecorator =>
  (target, property) => {
    if (typeof target !== 'object' || target === null) {
      const text = '@Nested: set "experimentalDecorators": true in tsconfig.json; it decorates properties of classes.';
      throw new LtsError('LTS_PROCESSOR_INVALID', text);
    }
    markNested({ target, property, type });
  };
