/** `@JobCompletedHandler` and `@MasterNodeListener`: the classes of an application that hear of ended jobs and of elections. */
import type { Class } from '../job/contract.js';
import type { JobResult } from '../job/result.js';
import type { NodeInfo, NodeType } from '../ports/registry.js';
import { markOf, refuseStandard, writeMark } from './marks.js';

/**
 * Hears of ended jobs of the client's group. What it throws is logged, and the results count as delivered; when it takes longer than
 * 30 s, the same come again.
 */
export interface JobCompletedHandler {
  onComplete(results: JobResult[]): unknown;
}

/** Marks the one class of an application that receives feedback. */
export function JobCompletedHandler(): (type: Class) => void {
  return (type: Class, context?: unknown) => {
    refuseStandard('JobCompletedHandler', context);
    writeMark(type, 'completed-handler', {});
  };
}

/** LTS's MasterChangeListener: `isMaster` says whether this node is the new master of its group. */
export interface MasterNodeListener {
  change(master: NodeInfo, isMaster: boolean): unknown;
}

export interface MasterNodeListenerOptions {
  /** Elections of these only. Default: of every role of the application. */
  readonly nodeTypes?: readonly NodeType[] | undefined;
}

/** Marks a class that hears elections. */
export function MasterNodeListener(options: MasterNodeListenerOptions = {}): (type: Class) => void {
  return (type: Class, context?: unknown) => {
    refuseStandard('MasterNodeListener', context);
    writeMark(type, 'master-listener', options);
  };
}

/** Undefined for a class without `@MasterNodeListener`. */
export function masterListenerOptionsOf(type: Class): MasterNodeListenerOptions | undefined {
  return markOf(type, 'master-listener');
}
