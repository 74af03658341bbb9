/** Brings what the nodes of an application hear to its classes that listen. */
import { nodeListenerOptionsOf } from '../../decorators/listeners.js';
import type { Class } from '../../job/contract.js';
import type { NodeInfo, NodeType } from '../../ports/registry.js';
import type { Beans } from '../beans/beans.js';
import type { NodeOptions } from '../node-options.js';

/** The beans are made after the nodes that they listen to. */
type BuiltBeans = () => Beans | undefined;

export function tellMaster(beans: Beans | undefined, type: NodeType, [master, isMaster]: [NodeInfo, boolean]): unknown {
  const hearing = (beans?.masterListeners ?? []).filter(({ nodeTypes }) => nodeTypes?.includes(type) ?? true);
  return Promise.all(hearing.map((listener) => listener.change(master, isMaster)));
}

/**
 * One listener for all the classes that hear which nodes come and go: the first node of the application takes it, so that each
 * change is told once. Undefined where no class wants to hear, so that nothing is watched.
 */
export function nodeListenerOf(types: readonly Class[], beans: BuiltBeans): NodeOptions['nodeChangeListener'] {
  if (types.length === 0) return undefined;
  const wanted = types.map((type) => nodeListenerOptionsOf(type)?.nodeTypes);
  const nodeTypes = wanted.includes(undefined) ? undefined : [...new Set(wanted.flatMap((some) => some ?? []))];
  const tell = (method: 'addNodes' | 'removeNodes', nodes: readonly NodeInfo[]) =>
    Promise.all(
      // Each on its own: one that throws keeps nothing from the others.
      (beans()?.nodeListeners ?? []).map(async ({ bean, nodeTypes: own }) => {
        const heard = nodes.filter(({ type }) => own?.includes(type) ?? true);
        if (heard.length > 0) await bean[method]?.(heard);
      }),
    );
  return {
    nodeTypes,
    addNodes: (nodes) => tell('addNodes', nodes),
    removeNodes: (nodes) => tell('removeNodes', nodes),
  };
}
