/** The time in which a tracker judges nobody, because it was itself held up or cut off: one full lease after it is back. */
import type { TrackerParts } from '../tracker-ports.js';

export class Grace {
  private untilMono = Number.NEGATIVE_INFINITY;

  constructor(private readonly parts: Pick<TrackerParts, 'ports' | 'settings'>) {}

  get isOn(): boolean {
    return this.parts.ports.clock.monoMs() < this.untilMono;
  }

  begin(): void {
    this.untilMono = this.parts.ports.clock.monoMs() + this.parts.settings.leaseMs;
  }
}
