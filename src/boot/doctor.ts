/** The doctor for the store of a data path: refuses while a living process owns it, then examines or salvages. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type DoctorProgress, type DoctorReport, examine, type StoreKind, salvage } from '../adapters/lmdb/doctor.js';
import { dataFileOf } from '../adapters/lmdb/environment.js';
import { jobStore } from '../adapters/lmdb/jobs/job-store-kind.js';
import { ownerOf } from '../adapters/lmdb/owner.js';
import { LtsError } from '../errors.js';
import { clock } from './system-ports.js';

export type { DoctorProgress, DoctorReport };

interface DoctorOptions {
  readonly salvageTo?: string | undefined;
  /** Called now and then while a large table is read. */
  readonly onProgress?: ((progress: DoctorProgress) => void) | undefined;
}

/**
 * Reports what is readable in a store; with `salvageTo`, copies every readable job into a fresh store there. `path` is a data
 * path, a store's folder or its data file. Never changes what it examines. Throws LTS_DATA_PATH_IN_USE, LTS_STORE_FAILED.
 */
export async function runDoctor(path: string, { salvageTo, onProgress }: DoctorOptions = {}): Promise<DoctorReport> {
  const store = storeOf(resolve(path));
  await refuseOwned(store);
  const kind: StoreKind = { ...(store.includes('failstore') ? {} : jobStore), onProgress };
  return salvageTo === undefined ? examine(store, kind) : salvage(store, resolve(salvageTo), kind);
}

/** From a data path to the store of its jobs; what is a store already stays. */
function storeOf(path: string): string {
  const jobs = join(path, 'jobs');
  if (existsSync(dataFileOf(jobs))) return jobs;
  if (existsSync(path)) return path;
  throw new LtsError(
    'LTS_STORE_FAILED',
    `${path} does not exist. Name a data path, a store's folder, or its data.mdb.`,
  );
}

/** A store that is being written to looks damaged. */
async function refuseOwned(store: string): Promise<void> {
  for (const folder of [store, join(store, '..'), join(store, '..', '..')]) {
    const owner = await ownerOf(folder, clock);
    if (!owner) continue;
    const text = `Process ${owner.pid} is using ${folder}; a store in use cannot be examined. Stop it first.`;
    throw new LtsError('LTS_DATA_PATH_IN_USE', text);
  }
}
