/** What must really have happened in a run of many seeds; otherwise its silence proves nothing. */
export const faultMarks: readonly string[] = [
  'dropped',
  'slowed',
  'duplicated',
  'replayed',
  'unanswered',
  'store-refusals',
  'crashes-before-a-call',
  'crashes-after-a-call',
  'tracker-crashes',
  'worker-crashes',
  'client-crashes',
  'tracker-stops',
  'worker-stops',
  'freezes',
  'incidents-disconnect',
  'incidents-cut',
  'incidents-wall-jump',
  'incidents-clog',
  'clogged',
  'incidents-network-down',
  'incidents-trackers-crash',
  'store-slow-calls',
  'zombies-tracker',
  'zombies-worker',
];

/** What only several trackers on one store can meet. */
export const sharedMarks: readonly string[] = [
  'incidents-partition',
  'incidents-store-cut',
  'incidents-registry-wipe',
  'incidents-store-down',
  'incidents-leases-down',
  'incidents-store-clock-set',
  'store-unknown-outcomes',
  'sessions-moved',
  'sessions-killed',
  'clocks-an-hour-apart',
  'mastership-elected',
  'mastership-all',
  'mastership-none',
  'crashes-at-leases',
];

/** And what must have come of it; some of these take a hundred seeds. */
export const effectMarks: readonly string[] = [
  'crashes-at-transport',
  'crashes-at-queue',
  'crashes-at-failStore',
  'crashes-at-logger',
  'answers-accepted',
  'answers-duplicate',
  'answers-replaced',
  'answers-stored-locally',
  'answers-no-tracker',
  'answers-unknown',
  'deeds-cancel',
  'deeds-suspend',
  'deeds-resume',
  'deeds-trigger',
  'deeds-edit',
  'deeds-get',
  'runs-success',
  'runs-failed',
  'runs-later',
  'runs-exception',
  'aborts-timeout',
  'aborts-cancelled',
  'aborts-lease-lost',
  'aborts-shutdown',
  'losses',
  'convictions',
  'given-back',
  'reports-stale',
  'feedback',
  'slots',
  'schedules-alive',
  'commits-purge',
  'ended-succeeded',
  'ended-failed/failed',
  'ended-failed/exhausted',
  'ended-failed/timed-out',
  'ended-failed/lost',
  'ended-failed/superseded',
  'ended-cancelled',
  'ended-expired',
  'ended-skipped',
];

/** The marks that never came up. */
export function missingMarks(counts: Readonly<Record<string, number>>, marks: readonly string[]): string[] {
  return marks.filter((mark) => !counts[mark]);
}

export function addCounts(total: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [what, by] of Object.entries(counts)) total[what] = (total[what] ?? 0) + by;
}
