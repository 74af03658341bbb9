/** Findings: what is wrong with params, where, and the error that tells all of it. */
import { LtsError } from '../../errors.js';
import { textOf } from '../../kit/shown.js';

export interface Finding {
  /** `lines[2].price`; empty for the params as a whole. */
  readonly path: string;
  readonly rule: string;
}

/** More would fill logs and answers without helping anybody. */
const findingsMax = 50;

/** `lines` and 2 to `lines[2]`, `lines[2]` and 'price' to `lines[2].price`. */
export function pathOf(parent: string, key: PropertyKey): string {
  if (typeof key === 'number') return `${parent}[${key}]`;
  return parent === '' ? String(key) : `${parent}.${String(key)}`;
}

/** Each finding once. `cause` is the list of findings, for programs. */
export function paramsInvalid(name: string, findings: readonly Finding[]): LtsError {
  const texts = [...new Set(findings.map(({ path, rule }) => `${path || 'params'}: ${rule}`))];
  const more = texts.length > findingsMax ? `; and ${texts.length - findingsMax} more` : '';
  const text = `the params do not fit ${name}: ${texts.slice(0, findingsMax).join('; ')}${more}.`;
  return new LtsError('LTS_PARAMS_INVALID', text, { cause: findings });
}

/** Not the params are wrong but the code that checks them; what it asks may be back later, so a run of it may be retried. */
export function rulesFailed(name: string, cause: unknown): LtsError {
  const reason = cause instanceof Error ? cause.message : textOf(cause);
  const text = `the params could not be checked, the rules of ${name} threw: ${reason}`;
  return new LtsError('LTS_PROCESSOR_INVALID', text, { cause });
}
