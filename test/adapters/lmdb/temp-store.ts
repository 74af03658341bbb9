/** A job store on LMDB in a folder of its own, for tests. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LmdbEnvironment, type LmdbEnvironmentOptions } from '../../../src/adapters/lmdb/environment.js';
import { LmdbJobQueue } from '../../../src/adapters/lmdb/lmdb-job-queue.js';

export class TempStore {
  readonly quarantined: string[] = [];

  private constructor(
    readonly path: string,
    private readonly options: Partial<LmdbEnvironmentOptions>,
    public environment: LmdbEnvironment,
    public queue: LmdbJobQueue,
  ) {}

  static async open(options: Partial<LmdbEnvironmentOptions> = {}): Promise<TempStore> {
    const path = await mkdtemp(join(tmpdir(), 'lts-store-'));
    const environment = await LmdbEnvironment.open({ path, ...options });
    const store = new TempStore(path, options, environment, new LmdbJobQueue(environment));
    await store.openQueue();
    return store;
  }

  async reopen(): Promise<void> {
    await this.close();
    this.environment = await LmdbEnvironment.open({ path: this.path, ...this.options });
    await this.openQueue();
  }

  async end(): Promise<void> {
    await this.close();
    await rm(this.path, { recursive: true });
  }

  private async openQueue(): Promise<void> {
    this.queue = new LmdbJobQueue(this.environment, {
      onQuarantine: ({ jobId, reason }) => this.quarantined.push(`${jobId}: ${reason}`),
    });
    await this.queue.open();
  }

  private async close(): Promise<void> {
    await this.queue.close();
    await this.environment.close();
  }
}
