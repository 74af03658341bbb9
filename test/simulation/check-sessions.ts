/** Who may judge a session: not a tracker that was itself held up or cut off a moment ago. */
import type { Ledger } from './ledger.js';

/** A tracker, in its life since `since`, is about to kill a session. */
export interface Verdict {
  readonly tracker: string;
  readonly since: number;
  readonly session: string;
}

/** Shorter ones may fall between two of its looks at itself. */
const outageMsMin = 4_000;
/** A lease of 30 s, less what passes until it notices that it is back. */
const graceMs = 28_000;

export function checkVerdictOnSession(ledger: Ledger, { tracker, since, session }: Verdict, now: number): void {
  ledger.count('sessions-judged');
  const node = session.slice(0, session.lastIndexOf('-'));
  // Who leaves by its own will is not judged.
  if (ledger.wasStopped(node, 0)) return;
  const outage = ledger.incidents.find(
    (incident) =>
      incident.node === tracker &&
      (incident.kind === 'freeze' || incident.kind === 'disconnect') &&
      incident.from > since &&
      incident.to > now - graceMs &&
      Math.min(incident.to, now) - incident.from >= outageMsMin,
  );
  if (outage) ledger.violate('G7', `${tracker} killed ${session} within a lease of its own ${outage.kind}`);
}
