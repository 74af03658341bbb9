/** What the registry's bucket holds: one entry per node, one lease per group. */
import type { NodeInfo, NodeType } from '../../../ports/registry.js';

export interface NodeEntry {
  /** The random name of one life of the node; who answers at `Subjects.life` of it lives. */
  readonly life: string;
  readonly node: NodeInfo;
}

export const nodesOf = (type: NodeType): string => `node.${type}.*`;
export const allLeases = 'master.*.*';
export const nodeKey = ({ type, identity }: NodeInfo): string => `node.${type}.${identity}`;
export const leaseKey = (type: NodeType, nodeGroup: string): string => `master.${type}.${nodeGroup}`;

export const entryText = (entry: NodeEntry): string => JSON.stringify({ v: 1, ...entry });

/** Undefined for what this version cannot read: another node's bad entry must not disturb this one. */
export function readEntry(text: string): NodeEntry | undefined {
  try {
    const { v, life, node } = JSON.parse(text) as Partial<NodeEntry> & { readonly v?: unknown };
    if (v !== 1 || typeof life !== 'string' || typeof node !== 'object' || node === null) return undefined;
    const names: unknown[] = [node.type, node.nodeGroup, node.identity];
    return names.every((name) => typeof name === 'string') ? { life, node } : undefined;
  } catch {
    return undefined;
  }
}
