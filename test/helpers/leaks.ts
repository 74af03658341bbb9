/**
 * Set-up of every test file: when the file has ended, no timer, socket, server or child of its own may be left.
 * Node names what keeps the event loop alive; what was there before the file (the test runner's own) does not count.
 */
import { setTimeout as realSleep } from 'node:timers/promises';
import { afterAll } from 'vitest';

/** File reads and name look-ups end by themselves and belong to the test runner as often as to the test. */
const watched = new Set([
  'Timeout',
  'TCPSocketWrap',
  'TCPServerWrap',
  'PipeWrap',
  'PipeServerWrap',
  'UDPWrap',
  'ProcessWrap',
  'Worker',
  'StatWatcher',
  'FSEventWrap',
]);
const graceMs = 2_000;

/** The watched resources that are alive now, by kind. */
function liveResources(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (watched.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

/** What is alive beyond `before`, such as `2 Timeout`; empty once everything has ended, at the latest after the grace. */
async function leaksSince(before: ReadonlyMap<string, number>): Promise<string[]> {
  for (let waitedMs = 0; ; waitedMs += 20) {
    const leaks = [...liveResources()]
      .map(([kind, count]) => ({ kind, count: count - (before.get(kind) ?? 0) }))
      .filter(({ count }) => count > 0)
      .map(({ kind, count }) => `${count} ${kind}`);
    if (leaks.length === 0 || waitedMs >= graceMs) return leaks;
    // A real wait: the system closes sockets and reaps children in its own time and tells nobody.
    await realSleep(20);
  }
}

// Taken before the test file is imported. A fresh process has no lasting timer, only passing ones of the test runner.
const before = liveResources();
before.delete('Timeout');

afterAll(async () => {
  const leaks = await leaksSince(before);
  if (leaks.length === 0) return;
  throw new Error(`Left alive after this file: ${leaks.join(', ')}. Stop in the test what it started.`);
});
