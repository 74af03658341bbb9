import { expect, it } from 'vitest';
import { exitCodeOf, exitCodes, WaitEnded } from '../../src/cli/exit-codes.js';
import { jobPage, jobsTable, logLineText } from '../../src/cli/format/job-text.js';
import { jobView } from '../../src/cli/format/job-view.js';
import { fields, table } from '../../src/cli/format/table.js';
import { lengthText, timeText } from '../../src/cli/format/time-text.js';
import { LtsError } from '../../src/errors.js';
import type { JobRecord } from '../../src/job/job.js';
import { newStatus } from '../../src/job/job.js';

const plain = (_style: unknown, text: string) => text;
const marked = (style: unknown, text: string) => `<${String(style)}>${text}</>`;
const at = Date.UTC(2027, 0, 31, 8, 5, 9, 7);

const record: JobRecord = {
  jobId: 'j1',
  body: {
    nodeGroup: 'g',
    taskId: 't',
    params: '{"a":1}',
    priority: 100,
    lane: '',
    retry: { maxRetryTimes: 3, intervalMs: 1, backoff: 'fixed', intervalMaxMs: 1 },
    needFeedback: false,
    submittedAt: at,
  },
  status: { ...newStatus, dueAt: at },
};
const ended: JobRecord = {
  ...record,
  status: {
    ...newStatus,
    state: 'failed',
    reason: 'exhausted',
    message: 'two\nlines',
    attempt: 4,
    endedAt: at + 1,
    result: '"x"',
  },
};
const schedule: JobRecord = {
  ...record,
  body: {
    ...record.body,
    rule: {
      trigger: { kind: 'repeat', intervalMs: 90_000, count: -1, firstAt: at },
      relyOnPrevCycle: true,
      misfire: 'skip',
    },
  },
  status: { ...newStatus, slot: { id: '1', at, run: 1 } },
};

it('shows an instant in its zone, with the distance from UTC', () => {
  expect(timeText(at, { timeZone: 'UTC' })).toBe('2027-01-31 08:05:09+00:00');
  expect(timeText(at, { timeZone: 'America/New_York', isExact: true })).toBe('2027-01-31 03:05:09.007-05:00');
  expect(timeText(Date.UTC(2027, 0, 31, 18, 30), { timeZone: 'Asia/Kolkata' })).toBe('2027-02-01 00:00:00+05:30');
});

it('shows a length by its two largest units', () => {
  const texts = [0, 999, 1_000, 61_000, 3_600_000, 86_400_000 + 60_000, 90_061_000].map(lengthText);
  expect(texts).toEqual(['0ms', '999ms', '1s', '1m 1s', '1h', '1d', '1d 1h']);
});

it('aligns columns by their text, not by their colours, and fills nothing up at the end of a line', () => {
  const rows = [
    [{ text: 'long text', style: 'red' as const }, { text: 'y' }],
    [{ text: 'b' }, { text: '' }],
  ];
  expect(table(['A', 'B'], rows, plain)).toBe('A          B\nlong text  y\nb');
  expect(table(['A', 'B'], rows, marked)).toBe('<dim>A          </><dim>B</>\n<red>long text  </>y\nb');
});

it('puts values below each other, further lines too, and leaves out what is not there', () => {
  const entries = [
    ['A', 'x\ny'],
    ['Longer', 'z'],
    ['None', undefined],
    ['Empty', ''],
  ] as const;
  expect(fields(entries, plain)).toBe('A       x\n        y\nLonger  z');
});

it('says of each job in a list when it comes, began or ended', () => {
  const executing = { ...record, status: { ...newStatus, state: 'executing', claimedAt: at, dueAt: at } } as const;
  const rows = jobsTable([record, executing, ended, schedule], plain).split('\n').slice(1);
  const whens = rows.map((row) => /(due|since|ended|next) 2027/.exec(row)?.[1]);
  expect(whens).toEqual(['due', 'since', 'ended', 'next']);
  expect(rows[2]).toContain('failed (exhausted)');
});

it('shows what a job has on a page of its own', () => {
  const page = jobPage(ended, plain);
  expect(page).toMatch(
    /^Job +j1\nTask +t\nGroup +g\nState +failed \(exhausted\)\nMessage +two\n +lines\nResult +"x"\n/,
  );
  expect(page).toMatch(/Runs +4 \(retries 0 of 3, losses 0\)$/);
  expect(page).not.toMatch(/Due|Trigger|Next/);
  expect(jobPage(schedule, plain)).toMatch(/Trigger +every 1m 30s, without end\n[\s\S]*Next +2027/);
});

it('gives a job to programs as plain data with ISO instants', () => {
  expect(JSON.parse(JSON.stringify(jobView(ended)))).toEqual({
    ...{ jobId: 'j1', taskId: 't', nodeGroup: 'g', state: 'failed', reason: 'exhausted', message: 'two\nlines' },
    ...{ params: { a: 1 }, result: 'x', priority: 100, attempt: 4, retryTimes: 0, maxRetryTimes: 3, losses: 0 },
    ...{ submittedAt: '2027-01-31T08:05:09.007Z', endedAt: '2027-01-31T08:05:09.008Z' },
  });
});

it('tells lines of the runner from lines of the JobTracker', () => {
  const line = { jobId: 'j1', seq: 1, at, level: 'WARN', text: 'again' } as const;
  expect(logLineText({ ...line, type: 'biz' }, plain)).toMatch(/ WARN {2}again$/);
  expect(logLineText({ ...line, type: 'retry' }, plain)).toMatch(/ WARN {2}\[retry\] again$/);
});

it('has an exit code for every kind of failure', () => {
  const codeOf = (code: LtsError['code']) => exitCodeOf(new LtsError(code, ''));
  expect(codeOf('LTS_JOB_INVALID')).toBe(2);
  expect(codeOf('LTS_NO_TRACKER')).toBe(3);
  expect(codeOf('LTS_JOB_NOT_FOUND')).toBe(4);
  expect(codeOf('LTS_STATE_CONFLICT')).toBe(5);
  expect(codeOf('LTS_STORE_CORRUPT')).toBe(1);
  expect(exitCodeOf(new WaitEnded(exitCodes.interrupted, ''))).toBe(130);
  expect(exitCodeOf(new TypeError('a defect'))).toBe(1);
});
