/** What every Registry promises. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Deferred } from '../../src/kit/deferred.js';
import type { NodeInfo, NodeType, Registry } from '../../src/ports/registry.js';

export interface RegistryFixture {
  /** The registry as one more node sees it. */
  registry(): Promise<Registry>;
  cleanUp(): Promise<void>;
}

const nodeOf = (type: NodeType, identity: string, more: Partial<NodeInfo> = {}): NodeInfo => ({
  type,
  nodeGroup: 'group',
  identity,
  startedAt: 1_000,
  ...more,
});

const identities = (nodes: readonly NodeInfo[]): string[] => nodes.map(({ identity }) => identity).sort();

export function registrySuite(name: string, makeFixture: () => Promise<RegistryFixture>): void {
  describe(`Registry: ${name}`, () => {
    let fixture: RegistryFixture;
    let mine: Registry;
    let other: Registry;
    let unwatch: (() => void)[];

    /** Resolves when a change fits; listens from now on. */
    const change = (registry: Registry, fits: (added: string[], removed: string[]) => boolean): Promise<void> => {
      const seen = new Deferred<void>();
      unwatch.push(
        registry.watch(({ added, removed }) => {
          if (fits(identities(added), identities(removed))) seen.resolve();
        }),
      );
      return seen.promise;
    };
    const arrival = (registry: Registry, identity: string) => change(registry, (added) => added.includes(identity));
    const departure = (registry: Registry, identity: string) =>
      change(registry, (_added, removed) => removed.includes(identity));

    /** Resolves when this node becomes a master. */
    const mastery = (registry: Registry, identity: string): Promise<void> => {
      const seen = new Deferred<void>();
      unwatch.push(
        registry.watchMasters(({ master }) => {
          if (master?.identity === identity) seen.resolve();
        }),
      );
      return seen.promise;
    };

    /** Joins, and waits until the other node knows. */
    const join = async (node: NodeInfo) => {
      const known = arrival(other, node.identity);
      await mine.join(node);
      await known;
    };

    beforeEach(async () => {
      fixture = await makeFixture();
      unwatch = [];
      mine = await fixture.registry();
      other = await fixture.registry();
    });
    afterEach(async () => {
      for (const end of unwatch) end();
      await fixture.cleanUp();
    });

    it('shows a node that joined to all, with all it said', async () => {
      const node = nodeOf('TASK_TRACKER', 'worker-1', {
        processors: [{ id: 'mail', description: 'sends mail' }, { id: 'sum' }],
      });
      await join(node);
      expect(await mine.list()).toEqual([node]);
      expect(await other.list()).toEqual([node]);
    });

    it('lists by type and by group', async () => {
      await join(nodeOf('TASK_TRACKER', 'worker-1'));
      await join(nodeOf('TASK_TRACKER', 'worker-2', { nodeGroup: 'other' }));
      await join(nodeOf('JOB_CLIENT', 'client-1'));
      expect(identities(await other.list('TASK_TRACKER'))).toEqual(['worker-1', 'worker-2']);
      expect(identities(await other.list('TASK_TRACKER', 'group'))).toEqual(['worker-1']);
      expect(identities(await other.list(undefined, 'group'))).toEqual(['client-1', 'worker-1']);
      expect(await other.list('JOB_TRACKER')).toEqual([]);
    });

    it('forgets a node that left, and tells', async () => {
      await join(nodeOf('TASK_TRACKER', 'worker-1'));
      const gone = departure(other, 'worker-1');
      await mine.leave('worker-1');
      await gone;
      expect(await other.list()).toEqual([]);
      await mine.leave('worker-1');
    });

    it('replaces what a node said when it joins again', async () => {
      await join(nodeOf('TASK_TRACKER', 'worker-1'));
      await join(nodeOf('TASK_TRACKER', 'worker-1', { startedAt: 2_000, processors: [{ id: 'mail' }] }));
      expect(await other.list()).toEqual([
        nodeOf('TASK_TRACKER', 'worker-1', { startedAt: 2_000, processors: [{ id: 'mail' }] }),
      ]);
    });

    it('tells nothing of what was there before, and nothing after the end of the watch', async () => {
      await join(nodeOf('TASK_TRACKER', 'worker-1'));
      const told: string[] = [];
      const end = other.watch(({ added, removed }) => told.push(...identities(added), ...identities(removed)));
      await join(nodeOf('TASK_TRACKER', 'worker-2'));
      end();
      await join(nodeOf('TASK_TRACKER', 'worker-3'));
      expect(told).toEqual(['worker-2']);
    });

    it('tells a watch of one type of no other type', async () => {
      const told: string[] = [];
      unwatch.push(other.watch(({ added }) => told.push(...identities(added)), 'JOB_TRACKER'));
      for (const type of ['TASK_TRACKER', 'JOB_TRACKER', 'JOB_CLIENT'] as const) await join(nodeOf(type, type));
      expect(told).toEqual(['JOB_TRACKER']);
    });

    it('never calls a listener inside join()', async () => {
      let isTold = false;
      const known = arrival(mine, 'worker-1');
      unwatch.push(mine.watch(() => (isTold = true)));
      const joined = mine.join(nodeOf('TASK_TRACKER', 'worker-1'));
      expect(isTold).toBe(false);
      await Promise.all([joined, known]);
    });

    it('has no master of an empty group', async () => {
      await join(nodeOf('JOB_TRACKER', 'tracker-1'));
      expect(await other.master('JOB_TRACKER', 'nobody')).toBeUndefined();
      expect(await other.master('TASK_TRACKER', 'group')).toBeUndefined();
    });

    it('has one master per group, the same for every node, who is a member', async () => {
      await join(nodeOf('JOB_TRACKER', 'tracker-1', { startedAt: 2_000 }));
      await join(nodeOf('JOB_TRACKER', 'tracker-2', { startedAt: 3_000 }));
      const master = await mine.master('JOB_TRACKER', 'group');
      expect(['tracker-1', 'tracker-2']).toContain(master?.identity);
      expect(await other.master('JOB_TRACKER', 'group')).toEqual(master);
    });

    it('has another master after the master left, and tells', async () => {
      await join(nodeOf('JOB_TRACKER', 'tracker-1', { startedAt: 2_000 }));
      await other.join(nodeOf('JOB_TRACKER', 'tracker-2', { startedAt: 3_000 }));
      const first = await mine.master('JOB_TRACKER', 'group');
      expect(first?.identity).toBe('tracker-1');
      expect([mine.isMaster('tracker-1'), other.isMaster('tracker-2')]).toEqual([true, false]);
      const elected = mastery(other, 'tracker-2');
      await mine.leave('tracker-1');
      await elected;
      expect((await other.master('JOB_TRACKER', 'group'))?.identity).toBe('tracker-2');
      expect([mine.isMaster('tracker-1'), other.isMaster('tracker-2')]).toEqual([false, true]);
    });

    it('tells of the first master of a group, and nothing after the end of the watch', async () => {
      const told: string[] = [];
      const end = other.watchMasters(({ type, nodeGroup, master }) =>
        told.push(`${type} ${nodeGroup} ${master?.identity}`),
      );
      const elected = mastery(other, 'worker-1');
      await mine.join(nodeOf('TASK_TRACKER', 'worker-1'));
      await elected;
      end();
      const another = mastery(other, 'client-1');
      await mine.join(nodeOf('JOB_CLIENT', 'client-1'));
      await another;
      expect(told).toEqual(['TASK_TRACKER group worker-1']);
    });

    it('refuses a second node with the identity of a living one, which stays listed', async () => {
      const node = nodeOf('TASK_TRACKER', 'worker-1');
      await join(node);
      const second = other.join(nodeOf('TASK_TRACKER', 'worker-1', { startedAt: 2_000 }));
      await expect(second).rejects.toMatchObject({
        code: 'LTS_IDENTITY_IN_USE',
        message: expect.stringContaining('worker-1'),
      });
      expect(await other.list()).toEqual([node]);
      await other.leave('worker-1');
      expect(await other.list()).toEqual([node]);
    });

    it('gives an identity to another node after its holder left', async () => {
      await join(nodeOf('TASK_TRACKER', 'worker-1'));
      const gone = departure(other, 'worker-1');
      await mine.leave('worker-1');
      await gone;
      const node = nodeOf('TASK_TRACKER', 'worker-1', { startedAt: 2_000 });
      const back = arrival(mine, 'worker-1');
      await other.join(node);
      await back;
      expect(await mine.list()).toEqual([node]);
    });

    it('knows nodes of two types with one identity apart', async () => {
      await join(nodeOf('TASK_TRACKER', 'one'));
      await join(nodeOf('JOB_CLIENT', 'one'));
      expect((await other.list()).map(({ type }) => type).sort()).toEqual(['JOB_CLIENT', 'TASK_TRACKER']);
    });
  });
}
