/** What a node change listener hears: all that are there at first, then each that comes or goes, in order. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { MemoryRegistry } from '../../../src/adapters/memory/memory-registry.js';
import type { NodeOptions } from '../../../src/boot/node-options.js';
import { Membership } from '../../../src/boot/places/membership.js';
import { NodeWatch } from '../../../src/boot/places/node-watch.js';
import { clock } from '../../../src/boot/system-ports.js';
import { LtsError } from '../../../src/errors.js';
import { JobClient, JobTracker, TaskTracker } from '../../../src/index.js';
import type { NodeInfo, NodeType } from '../../../src/ports/registry.js';

type Listener = NonNullable<NodeOptions['nodeChangeListener']>;

const node = (type: NodeType, identity: string, startedAt = 0): NodeInfo => ({
  ...{ type, identity, startedAt },
  nodeGroup: 'g',
});

/** Writes what it hears as `+a b` and `-a`. */
function aListener(nodeTypes?: readonly NodeType[]): { listener: Listener; heard: string[] } {
  const heard: string[] = [];
  const note = (sign: string) => (nodes: readonly NodeInfo[]) =>
    void heard.push(sign + nodes.map(({ identity }) => identity).join(' '));
  return { heard, listener: { addNodes: note('+'), removeNodes: note('-'), ...(nodeTypes && { nodeTypes }) } };
}

function aMember(registry: MemoryRegistry, nodeChangeListener: Listener, own = node('JOB_TRACKER', 'own')) {
  const errors: unknown[] = [];
  const note = (fields: object) => void errors.push((fields as { error: unknown }).error);
  const log = { debug() {}, info() {}, warn: note, error: note };
  const place = { registry: registry.node(), log, giveUp: () => {} };
  return { membership: new Membership(place, own, { nodeChangeListener }), errors };
}

const settled = async () => {
  for (let i = 0; i < 3; i++) await clock.endOfTurn();
};

describe('a member of a registry', () => {
  it('hears of all that are there, itself included, then of each change until it leaves', async () => {
    const registry = new MemoryRegistry();
    const others = registry.node();
    await others.join(node('TASK_TRACKER', 'w1'));
    await others.join(node('JOB_CLIENT', 'c1'));
    const { listener, heard } = aListener();
    const { membership } = aMember(registry, listener);
    await membership.join();
    await settled();
    expect(heard).toEqual(['+w1 c1 own']);
    await others.join(node('TASK_TRACKER', 'w2'));
    await settled();
    await others.leave('w1');
    await settled();
    expect(heard.slice(1)).toEqual(['+w2', '-w1']);
    await membership.leave();
    await others.leave('w2');
    await settled();
    expect(heard.slice(3)).toEqual([]);
  });

  it('hears of no type but those that it names', async () => {
    const registry = new MemoryRegistry();
    const { listener, heard } = aListener(['TASK_TRACKER', 'JOB_CLIENT']);
    await aMember(registry, listener).membership.join();
    for (const type of ['JOB_TRACKER', 'TASK_TRACKER', 'JOB_CLIENT'] as const) {
      await registry.join(node(type, type));
      await settled();
    }
    expect(heard).toEqual(['+TASK_TRACKER', '+JOB_CLIENT']);
  });

  it('a node that was started anew under its name is removed, then added', async () => {
    const registry = new MemoryRegistry();
    const { listener, heard } = aListener(['TASK_TRACKER']);
    await registry.join(node('TASK_TRACKER', 'w', 1));
    await aMember(registry, listener).membership.join();
    await settled();
    await registry.join(node('TASK_TRACKER', 'w', 2));
    await settled();
    expect(heard).toEqual(['+w', '-w', '+w']);
  });

  it('one method is enough; what it throws, at once or later, is logged and the next change is told', async () => {
    const registry = new MemoryRegistry();
    const heard: string[] = [];
    const listener: Listener = {
      addNodes: ([first]) => {
        heard.push(first?.identity ?? '');
        if (heard.length === 1) throw new Error('at once');
        return Promise.reject(new Error('later'));
      },
    };
    const { membership, errors } = aMember(registry, listener);
    await membership.join();
    await settled();
    await registry.join(node('JOB_CLIENT', 'c'));
    await settled();
    await registry.leave('c');
    await settled();
    expect(heard).toEqual(['own', 'c']);
    expect(errors.map(String)).toEqual(['Error: at once', 'Error: later']);
  });

  it('one that never returns holds nothing back', async () => {
    const registry = new MemoryRegistry();
    const heard: string[] = [];
    const listener: Listener = {
      addNodes: ([first]) => {
        heard.push(first?.identity ?? '');
        return new Promise(() => undefined);
      },
    };
    await aMember(registry, listener).membership.join();
    await settled();
    await registry.join(node('JOB_CLIENT', 'c'));
    await settled();
    expect(heard).toEqual(['own', 'c']);
  });

  it('asks a slow registry once at a time, leaves out nothing that came meanwhile, and after its leave tells nothing', async () => {
    const registry = new MemoryRegistry();
    const own = registry.node();
    const list = own.list.bind(own);
    let listing = 0;
    let listingMost = 0;
    own.list = async (type) => {
      listingMost = Math.max(listingMost, ++listing);
      const nodes = await list(type);
      await settled();
      listing--;
      return nodes;
    };
    const { listener, heard } = aListener();
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const watch = new NodeWatch({ registry: own, log }, listener);
    watch.start();
    for (const identity of ['a', 'b', 'c']) await registry.join(node('JOB_CLIENT', identity));
    await settled();
    await settled();
    await settled();
    expect([...heard, listingMost]).toEqual(['+a', '+b c', 1]);
    await registry.join(node('JOB_CLIENT', 'd'));
    await clock.endOfTurn();
    watch.stop();
    await settled();
    await settled();
    expect(heard).toHaveLength(2);
  });

  it('watches nothing any more after its leave', async () => {
    const registry = new MemoryRegistry();
    let watches = 0;
    const watch = registry.watch.bind(registry);
    registry.watch = (hear, type) => {
      const end = watch(hear, type);
      watches++;
      return () => {
        watches--;
        end();
      };
    };
    const { listener } = aListener(['JOB_CLIENT', 'JOB_TRACKER']);
    const watching = new NodeWatch({ registry, log: { debug() {}, info() {}, warn() {}, error() {} } }, listener);
    watching.start();
    expect(watches).toBe(2);
    watching.stop();
    expect(watches).toBe(0);
  });

  it('a registry that did not answer is asked again at its next change, and nothing is left out', async () => {
    const registry = new MemoryRegistry();
    const { listener, heard } = aListener();
    const { membership, errors } = aMember(registry, listener);
    const list = MemoryRegistry.prototype.list;
    MemoryRegistry.prototype.list = () => Promise.reject(new LtsError('LTS_TIMEOUT', 'silent'));
    try {
      await membership.join();
      await settled();
    } finally {
      MemoryRegistry.prototype.list = list;
    }
    expect(errors.length).toBeGreaterThan(0);
    await registry.join(node('JOB_CLIENT', 'c'));
    await settled();
    expect(heard).toEqual(['+own c']);
  });
});

describe('nodes of one process', () => {
  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  it.each(['JobTracker', 'TaskTracker', 'JobClient'])('a %s hears of itself and the others', async (kind) => {
    const dataPath = mkdtempSync(join(tmpdir(), 'lts-nodes-'));
    cleanups.push(() => rmSync(dataPath, { recursive: true, force: true }));
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const place = { dataPath, jobQueue: 'memory', log } as const;
    const { listener, heard } = aListener();
    const make = {
      JobTracker: () => new JobTracker({ ...place, identity: 'JobTracker', nodeChangeListener: listener }),
      TaskTracker: () =>
        new TaskTracker({ ...place, identity: 'TaskTracker', nodeChangeListener: listener, jobRunner: () => 1 }),
      JobClient: () => new JobClient({ ...place, identity: 'JobClient', nodeChangeListener: listener }),
    };
    const first = await make[kind as keyof typeof make]().start();
    cleanups.push(() => first.stop());
    await expect.poll(() => heard).toEqual([`+${kind}`]);
    const other = await new JobClient({ ...place, identity: 'other' }).start();
    await expect.poll(() => heard.slice(1)).toEqual(['+other']);
    await other.stop();
    await expect.poll(() => heard.slice(2)).toEqual(['-other']);
  });

  it.each([
    [5],
    [null],
    [{}],
    [{ addNodes: 5 }],
    [{ addNodes: () => {}, removeNodes: 'x' }],
    [{ addNodes: () => {}, nodeTypes: ['WORKER'] }],
    [{ addNodes: () => {}, nodeTypes: 'JOB_CLIENT' }],
  ])('%j is no listener', (nodeChangeListener) => {
    expect(() => new JobClient({ nodeChangeListener: nodeChangeListener as never })).toThrowError(
      expect.objectContaining({ code: 'LTS_CONFIG_INVALID', message: expect.stringContaining('nodeChangeListener') }),
    );
  });
});
