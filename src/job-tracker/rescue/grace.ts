/** The time in which a tracker judges nobody, because it was itself held up or cut off: until it is back, and one full lease more. */
import type { TrackerParts } from '../tracker-ports.js';

export const pulseMs = 1_000;
/** A pulse this late means that the tracker itself was held up. */
export const lateMs = 2_000;

export class Grace {
  private untilMono = Number.NEGATIVE_INFINITY;
  private lastPulseMono = Number.POSITIVE_INFINITY;

  constructor(private readonly parts: Pick<TrackerParts, 'ports' | 'settings'>) {}

  /** Also when nobody has noticed yet: of a frozen process, an answer that was awaited may go on before its pulse does. */
  get isOn(): boolean {
    const { clock, transport } = this.parts.ports;
    return clock.monoMs() < this.untilMono || this.isLate || !transport.isUp();
  }

  begin(): void {
    this.untilMono = this.parts.ports.clock.monoMs() + this.parts.settings.leaseMs;
  }

  /** To be called every `pulseMs`; true if it came late, which begins the grace. Measures nothing but its own coming. */
  pulse(): boolean {
    const { isLate } = this;
    this.lastPulseMono = this.parts.ports.clock.monoMs();
    if (isLate) this.begin();
    return isLate;
  }

  private get isLate(): boolean {
    return this.parts.ports.clock.monoMs() - this.lastPulseMono > pulseMs + lateMs;
  }
}
