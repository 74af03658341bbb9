/**
 * Why a job may run again, and how long its former run may still be alive then. Only these causes count: the answer EXECUTE_LATER,
 * an abort, the death of its process, and a fault that kept its worker from the trackers for as long as they wait.
 */
import type { Fault, Line, LineOf } from '../journal.js';
import type { FaultTime, Run, Story } from './story.js';

/** A fault on a worker this long may cost it its session. A closed link is as a death to those who probe; silence needs the whole lease. */
const estrangesAfterMs: Partial<Record<Fault, number>> = {
  cut: 1_900,
  // NATS itself ends a link that answers no pings, from then on it is closed.
  swallow: 9_000,
  hold: 9_000,
  delay: 9_000,
  freeze: 20_000,
  block: 20_000,
};
/** Renewed every 5 s, given up after 25: what kept all trackers away this long may cost a lease. */
const leaseCostsMs = 15_000;
/** From the first contact of a worker that was cut off to the refusal of its session. */
const refusedWithinMs = 5_000;
/** A result that was sent this long before its worker died has arrived. */
const reportedWithinMs = 1_000;

/** Why `next` may follow `run`; undefined: it may not. */
export function causeOf(run: Run, next: Run, story: Story): string | undefined {
  if (run.end?.outcome === 'later' && run.end.at <= next.startAt) return 'later';
  if (run.abort && run.abort.at <= next.startAt) return 'aborted';
  if (run.diedAt !== undefined && run.diedAt <= next.startAt && mayHaveDiedWithIt(run, run.diedAt, story))
    return 'died';
  return estrangements(run, next, story)[0]?.fault;
}

/** Its result may not have arrived: the time was short, nobody's later results arrived either, or a fault was in the way. */
function mayHaveDiedWithIt({ end, worker }: Run, diedAt: number, { faults, lines }: Story): boolean {
  if (!end || diedAt - end.at < reportedWithinMs || !hasLaterArrived(end.at, diedAt, lines)) return true;
  const isInTheWay = ({ who, from, to, fault }: FaultTime) =>
    (who === worker ? fault !== 'kill' : !isOtherNode(who)) && from < diedAt && to > end.at - reportedWithinMs;
  return faults.some(isInTheWay);
}

/** On a starved machine a store may stand still for seconds. */
function hasLaterArrived(endAt: number, untilAt: number, lines: readonly Line[]): boolean {
  const later = lines.filter((line) => line.kind === 'end' && line.at > endAt && line.at < untilAt);
  const tokens = new Set(later.map((line) => (line.kind === 'end' ? line.token : '')));
  return lines.some((line) => line.kind === 'told' && line.at < untilAt && tokens.has(line.value?.token ?? ''));
}

/** The faults that kept the worker of `run` from the trackers until `next` started. */
function estrangements(run: Run, next: Run, { faults }: Story): FaultTime[] {
  return faults.filter(({ fault, who, from, to }) => {
    const afterMs = estrangesAfterMs[fault];
    if (afterMs === undefined || who !== run.worker || to < run.startAt) return false;
    return Math.min(to, next.startAt) - from >= afterMs;
  });
}

/** Until when a run may live beside the one that took its place: its process's next turn, its link's next contact. */
export function mayLiveUntil(run: Run, next: Run, story: Story): number {
  return Math.max(next.startAt, ...estrangements(run, next, story).map((fault) => awareAt(run, fault, story)));
}

function awareAt(run: Run, { fault, to }: FaultTime, { lines }: Story): number {
  if (to === Number.POSITIVE_INFINITY) return to;
  if (fault === 'freeze' || fault === 'block') {
    const turned = lines.find((line) => line.kind === 'turned' && line.pid === run.pid && line.at >= to);
    return turned?.at ?? Number.POSITIVE_INFINITY;
  }
  const contact = lines.find((line) => line.kind === 'contact' && line.who === run.worker && line.at >= to);
  return (contact?.at ?? to) + refusedWithinMs;
}

/** Whether this run may have been told to stop: its node stops, or nobody could renew its lease. */
export function mayBeAborted(run: Run, abort: LineOf<'abort'>, { faults }: Story): boolean {
  const before = faults.filter(({ from }) => from <= abort.at);
  if (abort.reason === 'shutdown') return before.some(({ fault, who }) => fault === 'stop' && who === run.worker);
  if (abort.reason !== 'lease-lost') return false;
  const concerns = before.filter(({ who }) => who === run.worker || !isOtherNode(who));
  const lostMs = concerns.reduce((sum, { from, to }) => sum + Math.min(to, abort.at) - from, 0);
  const isEstranged = concerns.some(
    ({ fault, who, from, to }) =>
      who === run.worker && Math.min(to, abort.at) - from >= (estrangesAfterMs[fault] ?? Number.POSITIVE_INFINITY),
  );
  return isEstranged || lostMs >= leaseCostsMs;
}

const isOtherNode = (who: string): boolean => who.startsWith('worker') || who.startsWith('client');
