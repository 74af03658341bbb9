/** The JobTrackers on a shared store, as the registry shows them to one of them. */

import { Looks } from '../../cluster/looks.js';
import type { Peers } from '../../job-tracker/tracker-ports.js';
import type { Log } from '../../ports/log.js';
import type { Registry } from '../../ports/registry.js';

export interface PeersPlace {
  readonly registry: Registry;
  readonly identity: string;
  readonly log: Log;
}

export class RegistryPeers implements Peers {
  private identities: readonly string[] = [];

  private constructor(private readonly place: PeersPlace) {}

  /** Watches until the registry is closed. Throws LTS_TIMEOUT when it does not answer. */
  static async of(place: PeersPlace): Promise<RegistryPeers> {
    const peers = new RegistryPeers(place);
    const looks = new Looks(
      () => peers.look(),
      (error) => place.log.warn({ error }, 'the registry does not say which JobTrackers there are'),
    );
    place.registry.watch(() => void looks.again(), 'JOB_TRACKER');
    await peers.look();
    return peers;
  }

  isMaster(): boolean {
    return this.place.registry.isMaster(this.place.identity);
  }

  trackers(): readonly string[] {
    return this.identities;
  }

  private async look(): Promise<void> {
    const nodes = await this.place.registry.list('JOB_TRACKER');
    this.identities = [...new Set([this.place.identity, ...nodes.map(({ identity }) => identity)])];
  }
}
