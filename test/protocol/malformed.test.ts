import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LtsError } from '../../src/errors.js';
import type { Transport } from '../../src/ports/transport.js';
import type { BodyOf, MessageKind, ReplyOf } from '../../src/protocol/messages.js';
import { bodyFault } from '../../src/protocol/shapes/check-message.js';
import { subjectsOf } from '../../src/protocol/subjects.js';
import { askedAt } from '../helpers/asked-at.js';
import { TestCluster, type Worker } from '../helpers/start-cluster.js';
import { damaged } from './damage.js';
import { aJob, kinds, sampleBodies } from './sample-bodies.js';

let cluster: TestCluster;
let worker: Worker;
let stranger: Transport;

beforeEach(async () => {
  cluster = new TestCluster();
  await cluster.startTracker();
  cluster.client = await cluster.startClient({ onComplete: () => undefined });
  worker = await cluster.startWorker({ jobRunner: async () => 'done' });
  stranger = cluster.network.transport();
});
afterEach(async () => {
  await stranger.close();
  await cluster.stop();
});

/** Sent by somebody in another language: JSON that came over a wire. */
async function send<K extends MessageKind>(kind: K, body: unknown, subject = askedAt(kind)): Promise<ReplyOf<K>> {
  const message = { kind, body: body === undefined ? undefined : JSON.parse(JSON.stringify(body)) };
  return (await cluster.until(
    stranger.request(subject, message, { deadlineMs: 1_000, isForeign: true }),
  )) as ReplyOf<K>;
}
const refusal = (answer: Promise<unknown>) =>
  answer.then(
    () => 'answered',
    (error: LtsError) => `${error.code} ${error.message}`,
  );

/** Begins a session and claims a job with it, as a worker in another language does. */
async function claimed(jobId: string) {
  const session = 'other-1';
  const info = {
    session,
    identity: 'other',
    nodeGroup: 'others',
    workThreads: 1,
    processors: [],
    replaces: [],
    runIds: [],
    moves: 0,
  };
  await send('StartSession', info);
  await cluster.submit({ jobId, nodeGroup: 'others', retryInterval: '1h' });
  const { jobs } = await send('PullJobs', { session, pullId: 1, slots: 1, waitMs: 0 });
  return { session, slots: 0, jobId, runId: jobs[0]?.status.runId };
}

describe('a malformed message from outside', () => {
  it('is refused with the path of what is wrong, and counted', async () => {
    const answer = refusal(send('PullJobs', { session: 'a', pullId: 1, slots: 'all', waitMs: 0 }));
    expect(await answer).toBe('LTS_MESSAGE_INVALID PullJobs.slots: "all" is no whole number.');
    expect(await refusal(send('Nonsense' as MessageKind, {}))).toMatch(/^LTS_MESSAGE_INVALID A JobTracker does not/);
    expect(cluster.tracker.role.malformedCounts()).toEqual({ PullJobs: 1, unknown: 1 });
  });

  it('is logged once a minute for each kind', async () => {
    const lines = () => cluster.log.filter(({ text }) => text.startsWith('a malformed message')).length;
    for (let i = 0; i < 5; i++) await refusal(send('PullJobs', {}));
    expect(lines()).toBe(1);
    await refusal(send('GetJob', {}));
    expect(lines()).toBe(2);
    await cluster.advance(60_000);
    await refusal(send('PullJobs', {}));
    expect(lines()).toBe(3);
    expect(cluster.log.filter(({ fields }) => fields.kind === 'PullJobs').at(-1)?.fields.count).toBe(6);
  });

  it('costs nothing within one process: its own messages are not checked', async () => {
    const body = { session: worker.node.name, pullId: 1, slots: 0, waitMs: 0, more: { constructor: 1 } };
    const answer = stranger.request(askedAt('PullJobs'), { kind: 'PullJobs', body }, { deadlineMs: 1_000 });
    expect(await cluster.until(answer)).toEqual({ answer: 'elsewhere', jobs: [] });
  });
});

describe('one wrong item of a batch', () => {
  it('of jobs is rejected with its path, its neighbours are accepted', async () => {
    const bad = { ...aJob('b'), body: { ...aJob('b').body, nodeGroup: 7 } };
    const { answers } = await send('SubmitJobs', { jobs: [aJob('a'), bad, 'nonsense', aJob('c')] });
    expect(answers).toEqual([
      { code: 'accepted', jobId: 'a' },
      { code: 'rejected', jobId: 'b', msg: 'SubmitJobs.jobs[1].body.nodeGroup: 7 is no text.' },
      { code: 'rejected', jobId: '', msg: 'SubmitJobs.jobs[2]: "nonsense" is no object.' },
      { code: 'accepted', jobId: 'c' },
    ]);
  });

  it('of jobs that breaks a rule of jobs is rejected in the words of the rule', async () => {
    const bad = { ...aJob('b'), body: { ...aJob('b').body, priority: 1.5 } };
    const { answers } = await send('SubmitJobs', { jobs: [bad] });
    expect(answers[0]?.msg).toMatch(/^priority: 1\.5 must be a whole number/);
  });

  it('of reports ends its run as an exception, its neighbours count as they are', async () => {
    const { jobId, runId, ...offer } = await claimed('a');
    expect(runId).toBeDefined();
    const reports = [
      { jobId, runId, outcome: { kind: 'success', result: { not: 'text' } } },
      { jobId: 'none', runId: 5, outcome: { kind: 'success' } },
    ];
    const { answers } = await send('ReportRuns', { ...offer, reports });
    expect(answers).toEqual(['ok', 'stale']);
    const { status } = await cluster.record('a');
    expect(status).toMatchObject({ state: 'waiting', retryTimes: 1 });
    expect(status.message).toBe('The report of the run was malformed: outcome.result: {"not":"text"} is no text.');
  });

  it('of log lines is left out, the others are stored', async () => {
    const line = { jobId: 'a', runId: 'r', seq: 1, at: 1, level: 'INFO', type: 'biz', text: 'kept' };
    await send('AppendLog', { lines: [{ ...line, at: 'now' }, line], progress: [{}] });
    expect(await cluster.story('a')).toEqual([line]);
  });
});

describe('random damage', () => {
  it.each(kinds)('of %s is harmless, or named by its path', (kind) => {
    const bodies = fc.constantFrom(...sampleBodies[kind]).chain(damaged);
    let refused = 0;
    const property = fc.property(bodies, (body) => {
      const fault = bodyFault(kind, body);
      if (fault !== undefined) refused++;
      if (fault !== undefined) expect(fault).toMatch(new RegExp(`^${kind}[^:]*: \\S`));
    });
    fc.assert(property, { numRuns: 200, seed: 7 });
    expect(refused).toBeGreaterThan(20);
  });

  it('never harms a running cluster: it answers no defect of its own and goes on', async () => {
    await cluster.submitAll(Array.from({ length: 5 }, (_, i) => ({ jobId: `own-${i}`, delay: '1h' })));
    const { session } = await claimed('theirs');
    const subjects: Partial<Record<MessageKind, string>> = {
      Probe: subjectsOf('test').session(session),
      JobsFinished: 'lts.test.feedback.web',
    };
    const any = fc
      .constantFrom(...kinds)
      .chain((kind) => fc.tuple(fc.constant(kind), fc.constantFrom<BodyOf<MessageKind>>(...sampleBodies[kind])))
      .chain(([kind, body]) => fc.tuple(fc.constant(kind), fc.oneof(damaged(body), fc.constant(body))));
    const codes = new Map<string, number>();
    const property = fc.asyncProperty(any, async ([kind, body]) => {
      const code = await send(kind, body, subjects[kind]).then(
        () => 'answered',
        (error) => (LtsError.is(error) ? error.code : `crash ${error}`),
      );
      if (code === 'LTS_INTERNAL') throw new Error(`${kind} ${JSON.stringify(body)?.slice(0, 1_000)}`);
      codes.set(code, (codes.get(code) ?? 0) + 1);
    });
    await fc.assert(property, { numRuns: 1_500, seed: 11 });
    expect([...codes.keys()].filter((code) => code.startsWith('crash'))).toEqual([]);
    expect(codes.get('LTS_MESSAGE_INVALID')).toBeGreaterThan(300);
    expect(codes.get('answered')).toBeGreaterThan(300);
    await cluster.advance(120_000);
    const jobId = await cluster.submit({ nodeGroup: 'lts' });
    expect((await cluster.untilEnded(jobId)).status.state).toBe('succeeded');
    expect(cluster.log.filter(({ level }) => level === 'error')).toEqual([]);
  }, 60_000);
});
