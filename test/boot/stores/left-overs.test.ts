/** What processes could not send lies in folders that are bound to their cluster, also where the embedded shape keeps it. */
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { LmdbFailStore } from '../../../src/adapters/lmdb/lmdb-fail-store.js';
import { failStoreFolder, failStoreFolders } from '../../../src/boot/stores/fail-store-folders.js';
import { JobClient, JobTracker } from '../../../src/index.js';
import { aFolder, cleanUp, started } from '../../helpers/cleanups.js';

afterEach(cleanUp);

function aPlace() {
  const warnings: { folder?: string; entries?: number }[] = [];
  const warn = (fields: object, text: string) => {
    if (text.includes('another cluster')) warnings.push(fields);
  };
  const log = { debug() {}, info() {}, warn, error() {} };
  const dataPath = aFolder();
  return { warnings, dataPath, place: (clusterName: string) => ({ dataPath, clusterName, log }) };
}

/** A client of that cluster keeps a job, as its first process on the path. */
async function keptBy(place: { dataPath: string; clusterName: string; log: object }, jobId: string): Promise<void> {
  const client = await new JobClient(place as ConstructorParameters<typeof JobClient>[0]).start();
  expect((await client.submitJob({ jobId, delay: '1h' })).code).toBe('stored-locally');
  await client.stop();
}

describe('an embedded application under another cluster name', () => {
  it('leaves what was kept under the old one, names it once, and the old name finds it again', async () => {
    const { place, dataPath, warnings } = aPlace();
    await keptBy(place('old'), 'J1');
    for (let life = 0; life < 2; life++) {
      const tracker = await new JobTracker(place('new')).start();
      const client = await new JobClient(place('new')).start();
      await expect(client.cancelJob('J1')).rejects.toMatchObject({ code: 'LTS_JOB_NOT_FOUND' });
      await expect.poll(() => warnings.length).toBe(1);
      await client.stop();
      await tracker.stop();
    }
    const folder = join(dataPath, 'failstore', '0.old');
    expect(warnings).toMatchObject([{ folder, entries: 1, cluster: 'new' }]);
    await started(new JobTracker(place('old')));
    const client = await started(new JobClient(place('old')));
    expect((await client.cancelJob('J1')).receipt).toBe('done');
  });

  it('is refused beside one of the old name in the same process: neither keeps anything for the other', async () => {
    const { place } = aPlace();
    await started(new JobClient(place('old')));
    await expect(new JobClient(place('new')).start()).rejects.toMatchObject({ code: 'LTS_DATA_PATH_IN_USE' });
  });

  it('names no folder that holds nothing, and one whose name says no cluster', async () => {
    const { place, dataPath, warnings } = aPlace();
    for (const name of ['3.other', '4']) {
      const failStore = new LmdbFailStore({ path: join(dataPath, 'failstore', name) });
      await failStore.open();
      if (name === '4') await failStore.put([{ topic: 'results', key: 'J1/R', value: '{}', at: 1 }]);
      await failStore.close();
    }
    await started(new JobTracker(place('new')));
    await expect.poll(() => warnings.map(({ folder }) => folder)).toEqual([join(dataPath, 'failstore', '4')]);
  });
});

it('a result of a job that the JobTracker does not know is put aside, not thrown away', async () => {
  const { place, dataPath } = aPlace();
  const left = async () => {
    const failStore = new LmdbFailStore({ path: join(dataPath, 'failstore', '0.lts') });
    await failStore.open();
    return failStore;
  };
  const failStore = await left();
  const value = JSON.stringify({ jobId: 'J1', runId: 'R', outcome: { kind: 'success' } });
  await failStore.put([{ topic: 'results', key: 'J1/R', value, at: 1 }]);
  await failStore.close();
  const tracker = await new JobTracker(place('lts')).start();
  await tracker.stop();
  const after = await left();
  expect(await after.quarantined('results')).toMatchObject([
    { key: 'J1/R', value, reason: 'The JobTracker has no such job.' },
  ]);
  await after.close();
});

it('clusters whose names differ by capitals have folders that differ without', () => {
  const folders = ['Shop', 'shop', 'sHop'].map((cluster) =>
    failStoreFolder({ path: '/data', cluster, choice: { failStore: 'lmdb' } }, 1),
  );
  expect(new Set(folders.map((folder) => folder.toLowerCase())).size).toBe(3);
  expect(failStoreFolders('/nowhere')).toEqual([]);
});
