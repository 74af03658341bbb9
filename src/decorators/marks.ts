/**
 * What the decorators write on classes, and how it is read back. Marks are own properties of the class under `Symbol.for` keys, so that
 * another copy of this package reads them too; a subclass does not inherit them.
 */
import type { Class, JobContract } from '../job/contract.js';

/** What `@Processor` and its kin wrote on one class. */
export interface ProcessorMark {
  readonly id: string;
  readonly nodeGroup?: string | undefined;
  /** 'singleton' (default): one instance; 'job': a fresh one for each run. */
  readonly scope: 'singleton' | 'job';
  /** `@JobRunner` also runs the jobs that name no processor. */
  readonly isJobRunner: boolean;
  /** The contract of `run`, for a class that has it. */
  readonly contract: JobContract;
  /** The methods marked `@JobHandler`. */
  readonly handlers: readonly HandlerMark[];
}

export interface HandlerMark {
  readonly method: string;
  /** Its `processor` is `<id>.<name>`, or the name of the contract it implements. */
  readonly contract: JobContract;
}

/** Undefined for a class without `@Processor` or `@JobRunner`. */
export declare function processorMarkOf(type: Class): ProcessorMark | undefined;
