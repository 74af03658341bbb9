/** Checks, opens and reads one store folder after the other; tells its parent what it found in each. */
import { dataFileOf, LmdbEnvironment } from '../../../src/adapters/lmdb/environment.js';
import { checkDataFile } from '../../../src/adapters/lmdb/file-check.js';

export interface Opened {
  readonly path: string;
  readonly code?: string;
  readonly message?: string;
  readonly keys?: number;
  /** Whether a write still works. */
  readonly hasWritten?: boolean;
}

async function openStore(path: string): Promise<Opened> {
  try {
    checkDataFile(dataFileOf(path));
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return { path, code, message };
  }
  const environment = await LmdbEnvironment.open({ path });
  const jobs = environment.table('jobs');
  const index = environment.table('index');
  const keys = jobs.entries().filter(({ key }) => jobs.get(key) !== undefined).length;
  if (index.keys().length !== keys) throw new Error(`${path}: the tables differ`);
  await environment.commit(() => jobs.put('written later', 'x'));
  const hasWritten = jobs.get('written later') === 'x';
  await environment.close();
  return { path, keys, hasWritten };
}

process.on('message', (path: string) => {
  void openStore(path).then((opened) => process.send?.(opened));
});
process.send?.({ path: 'ready' });
