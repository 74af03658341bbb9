/** A tracker that was away judges what it missed before it hands out anything; only a store that is away too makes it wait. */
import { expect, it } from 'vitest';
import { LtsError } from '../../../src/errors.js';
import { Absence } from '../../../src/job-tracker/rescue/absence.js';
import { Grace } from '../../../src/job-tracker/rescue/grace.js';
import { partsOf, type TrackerPorts } from '../../../src/job-tracker/tracker-ports.js';
import { VirtualClock } from '../../../src/testing/virtual-clock.js';

function anAbsence(failures: Error[]) {
  const clock = new VirtualClock();
  const happened: string[] = [];
  const link = { isUp: true };
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const ports = { clock, log, transport: { isUp: () => link.isUp } } as unknown as TrackerPorts;
  const parts = partsOf(ports, { cluster: 'test' });
  const began = clock.wallMs();
  const grace = new Grace(parts);
  const absence = new Absence(parts, {
    grace,
    dispatch: { pause: () => {}, goOn: () => void happened.push('goes on') },
    judgeMissed: async (since) => {
      happened.push(`judges from ${since - began}`);
      const failure = failures.shift();
      if (failure) throw failure;
    },
  });
  absence.start();
  return { absence, grace, clock, link, happened };
}

const cutFor3s = async (failures: Error[]) => {
  const { absence, clock, link, happened } = anAbsence(failures);
  await clock.advance(5_500);
  link.isUp = false;
  await clock.advance(3_000);
  link.isUp = true;
  await clock.advance(5_000);
  const stopped = absence.stop();
  await clock.advance(1_000);
  await stopped;
  return happened;
};

it('judges from a little before the outage was seen, then goes on', async () => {
  expect(await cutFor3s([])).toEqual(['judges from 4000', 'goes on']);
});

it('waits for its store', async () => {
  const away = new LtsError('LTS_STORE_FAILED', 'away');
  const judges = 'judges from 4000';
  expect(await cutFor3s([away, away])).toEqual([judges, judges, judges, 'goes on']);
});

it('goes on after any other failure: one broken schedule must not stop all work', async () => {
  expect(await cutFor3s([new Error('broken')])).toEqual(['judges from 4000', 'goes on']);
});

it('judges nobody after a freeze, also before its next pulse, nor for a lease after it', async () => {
  const { absence, grace, clock } = anAbsence([]);
  await clock.advance(2_000);
  expect(grace.isOn).toBe(false);
  const stopped = absence.stop();
  await clock.advance(1_000);
  await stopped;
  await clock.advance(3_000);
  expect(grace.isOn).toBe(true);
  absence.notice();
  await clock.advance(2_000);
  absence.notice();
  expect(grace.isOn).toBe(true);
});

it('judges nobody while it is cut off, also before its next pulse', async () => {
  const { grace, link } = anAbsence([]);
  link.isUp = false;
  expect(grace.isOn).toBe(true);
});
