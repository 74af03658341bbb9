/** `@EnableJobTracker`, `@EnableTaskTracker`, `@EnableJobClient`: the roles that an application starts. */
import type { Class } from '../job/contract.js';
import type { LogLevel } from '../job/log-line.js';
import { markOf, refuseStandard, writeMark } from './marks.js';

/** Settings of the JobTracker stand in lts.properties. */
export type EnableJobTrackerOptions = Readonly<Record<never, never>>;

/** What is said here wins over lts.properties. */
export interface EnableTaskTrackerOptions {
  /** The group whose jobs it runs; of several, with commas, each gets a TaskTracker. */
  readonly nodeGroup?: string | undefined;
  /** Most runs at a time. */
  readonly workThreads?: number | undefined;
  /** What runs do when the node's lease could not be renewed in time. */
  readonly leaseLost?: 'abort' | 'continue' | undefined;
  /** An aborted run that does not return within this time is given up, in ms. */
  readonly abortGraceMs?: number | undefined;
  /** Biz-log lines below this level are not kept. */
  readonly bizLoggerLevel?: LogLevel | undefined;
}

/** What is said here wins over lts.properties. */
export interface EnableJobClientOptions {
  /** The submitting group: its clients get the feedback. */
  readonly nodeGroup?: string | undefined;
  /** A submission that no tracker answers goes to the FailStore and is sent later. */
  readonly useRetryClient?: boolean | undefined;
  /** A submit settles within this time, in ms. */
  readonly submitWithinMs?: number | undefined;
}

/** The roles that a class enables, with what it says about them. */
export interface EnabledRoles {
  readonly jobTracker?: EnableJobTrackerOptions;
  readonly taskTracker?: EnableTaskTrackerOptions;
  readonly jobClient?: EnableJobClientOptions;
}

/** The application accepts and hands out jobs. */
export function EnableJobTracker(options: EnableJobTrackerOptions = {}): (type: Class) => void {
  return enabling('EnableJobTracker', { jobTracker: options });
}

/** The application runs jobs. */
export function EnableTaskTracker(options: EnableTaskTrackerOptions = {}): (type: Class) => void {
  return enabling('EnableTaskTracker', { taskTracker: options });
}

/** The application submits jobs and hears what became of them. */
export function EnableJobClient(options: EnableJobClientOptions = {}): (type: Class) => void {
  return enabling('EnableJobClient', { jobClient: options });
}

/** Empty for a class that enables nothing. */
export function enabledRolesOf(type: Class): EnabledRoles {
  return markOf(type, 'enabled-roles') ?? {};
}

function enabling(decorator: string, role: EnabledRoles): (type: Class) => void {
  return (type: Class, context?: unknown) => {
    refuseStandard(decorator, context);
    writeMark(type, 'enabled-roles', { ...enabledRolesOf(type), ...role });
  };
}
