/** Brings what the nodes of an application hear to its classes that listen. */
import { nodeListenerOptionsOf } from '../../decorators/listeners.js';
import type { Class } from '../../job/contract.js';
import type { NodeInfo, NodeType } from '../../ports/registry.js';
import type { Beans } from '../beans/beans.js';
import type { NodeOptions } from '../node-options.js';

/** The beans are made after the nodes that they listen to. */
type BuiltBeans = () => Beans | undefined;

/** One that throws keeps nothing from the others. */
const toEach = <Listener>(listeners: readonly Listener[], call: (listener: Listener) => unknown): Promise<unknown[]> =>
  Promise.all(listeners.map(async (listener) => call(listener)));

export function tellMaster(beans: Beans | undefined, type: NodeType, [master, isMaster]: [NodeInfo, boolean]): unknown {
  const hearing = (beans?.masterListeners ?? []).filter(({ nodeTypes }) => nodeTypes?.includes(type) ?? true);
  return toEach(hearing, (listener) => listener.change(master, isMaster));
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
    toEach(beans()?.nodeListeners ?? [], ({ bean, nodeTypes: own }) => {
      const heard = nodes.filter(({ type }) => own?.includes(type) ?? true);
      return heard.length > 0 ? bean[method]?.(heard) : undefined;
    });
  return {
    nodeTypes,
    addNodes: (nodes) => tell('addNodes', nodes),
    removeNodes: (nodes) => tell('removeNodes', nodes),
  };
}
