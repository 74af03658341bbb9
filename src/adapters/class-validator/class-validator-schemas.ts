/** Schemas: classes with class-validator rules, and every Standard Schema as it is. */
import type { ValidationError } from 'class-validator';
import { LtsError } from '../../errors.js';
import type { Class, ParamsSchema, StandardSchema } from '../../job/contract.js';
import { nestedMarksOf } from '../../job/nested-marks.js';
import { shown } from '../../kit/shown.js';
import type { Schemas } from '../../ports/schemas.js';
import { type Finding, paramsInvalid, pathOf, rulesFailed } from './findings.js';
import { type Instance, Instances } from './instances.js';

type ClassValidator = typeof import('class-validator');

/** Fields without rules pass, and so do classes without any. */
const validatorOptions = { forbidUnknownValues: false, validationError: { target: false, value: false } };

export class ClassValidatorSchemas implements Schemas {
  private loading: Promise<ClassValidator> | undefined;
  /** Classes whose decorators were found to fit together. */
  private readonly known = new WeakSet<Class>();

  async check<Output>(schema: ParamsSchema<unknown, Output>, value: unknown): Promise<Output> {
    if (isStandard(schema)) return checkStandard(schema, value);
    if (typeof schema === 'function') return (await this.checkClass(schema, value)) as Output;
    const text = `params: ${shown(schema)} is neither a class nor a Standard Schema (zod, valibot, arktype ...).`;
    throw new LtsError('LTS_PROCESSOR_INVALID', text);
  }

  private async checkClass(type: Class, value: unknown): Promise<unknown> {
    // Costs 175 ms at first, which a process whose jobs have no params classes should not pay.
    this.loading ??= import('class-validator');
    const library = await this.loading;
    const instances = new Instances();
    const instance = instances.make(type, value);
    const findings = [...instances.findings];
    for (const made of instances.made) findings.push(...(await this.checkInstance(library, made)));
    if (findings.length > 0) throw paramsInvalid(type.name, findings);
    return instance;
  }

  /** Each instance by itself, so that nested ones are checked with and without @ValidateNested. */
  private async checkInstance(library: ClassValidator, { type, object, path }: Instance): Promise<Finding[]> {
    this.checkNested(library, type);
    try {
      const errors = await library.validate(object, validatorOptions);
      return errors.flatMap((error) => findingsOf(error, path));
    } catch (error) {
      throw rulesFailed(type.name, error);
    }
  }

  /** @ValidateNested alone would check nothing, because plain data has no class; silence would look like validity. */
  private checkNested(library: ClassValidator, type: Class): void {
    if (this.known.has(type)) return;
    const nested = nestedMarksOf(type);
    const rules = library.getMetadataStorage().getTargetValidationMetadatas(type, '', true, false);
    const found = rules.find((rule) => rule.type === 'nestedValidation' && !nested.has(rule.propertyName));
    if (found) {
      const field = `${type.name}.${found.propertyName}`;
      const text = `${field} has @ValidateNested but no class. Add @Nested(() => TheClass), which also checks it.`;
      throw new LtsError('LTS_PROCESSOR_INVALID', text);
    }
    this.known.add(type);
  }
}

/** Without the children: nested instances are checked by themselves. */
function findingsOf({ property, constraints = {} }: ValidationError, path: string): Finding[] {
  return Object.entries(constraints)
    .filter(([name]) => name !== 'nestedValidation')
    .map(([, message]) => ({ path: pathOf(path, property), rule: ruleOf(property, message) }));
}

/** class-validator names the property in its sentences; here the path does. */
function ruleOf(property: string, message: string): string {
  if (message.startsWith(`${property} `)) return message.slice(property.length + 1);
  return message.replace(`each value in ${property} `, 'each value ');
}

/** Some libraries' schemas are functions. */
const isStandard = <Output>(schema: ParamsSchema<unknown, Output>): schema is StandardSchema<unknown, Output> =>
  (typeof schema === 'object' || typeof schema === 'function') && schema !== null && '~standard' in schema;

async function checkStandard<Output>(schema: StandardSchema<unknown, Output>, value: unknown): Promise<Output> {
  const standard = schema['~standard'];
  const name = `their ${standard?.vendor} schema`;
  let findings: Finding[];
  try {
    const result = await standard.validate(value);
    if (!result.issues) return result.value;
    findings = result.issues.map(({ message, path = [] }) => ({
      path: path.reduce<string>((parent, part) => pathOf(parent, typeof part === 'object' ? part.key : part), ''),
      rule: message,
    }));
  } catch (error) {
    throw rulesFailed(name, error);
  }
  throw paramsInvalid(name, findings);
}
