/** `@JobCompletedHandler`, `@MasterNodeListener` and `@NodeChangeListener`: the classes of an application that hear of ended jobs, of elections, and of nodes. */
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

/**
 * LTS's NodeChangeListener: hears which nodes are in the cluster. First of all that are there at its node's start, its own node
 * included; then of each that joins, leaves or dies, until its node stops. Calls come in the order of the changes and are not
 * waited for; what comes and goes within one turn is not told. What it throws is logged. One of the two methods is enough.
 */
export interface NodeChangeListener {
  addNodes?(nodes: readonly NodeInfo[]): unknown;
  /** A node that was replaced by a new one of its identity is removed, and then added as it is now. */
  removeNodes?(nodes: readonly NodeInfo[]): unknown;
}

export interface NodeChangeListenerOptions {
  /** Nodes of these types only. Default: all; in a large cluster that makes every beat of every TaskTracker come to this node. */
  readonly nodeTypes?: readonly NodeType[] | undefined;
}

/** Marks a class that hears which nodes come and go. It is told each change once, however many roles the application has. */
export function NodeChangeListener(options: NodeChangeListenerOptions = {}): (type: Class) => void {
  return (type: Class, context?: unknown) => {
    refuseStandard('NodeChangeListener', context);
    writeMark(type, 'node-listener', options);
  };
}

/** Undefined for a class without `@NodeChangeListener`. */
export function nodeListenerOptionsOf(type: Class): NodeChangeListenerOptions | undefined {
  return markOf(type, 'node-listener');
}
