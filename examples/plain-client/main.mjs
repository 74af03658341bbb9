/**
 * A JobClient in plain Node, written from src/protocol/README.md alone, as one would write it in another language: submits one job
 * to a cluster, waits until it has ended, and prints its result. It needs no package but `nats`. Run it with:
 *
 *   node examples/plain-client/main.mjs <processor> [params as JSON] [node group] [nats://127.0.0.1:4222] [cluster]
 *
 * LTS_REGISTRY_ADDRESS and LTS_CLUSTER_NAME say the last two as well, LTS_NATS_USER and LTS_NATS_PASSWORD log in, LTS_WITHIN_MS bounds
 * the whole (5 minutes). Exit code 0: the job succeeded; 1: anything else.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'nats';

const { env } = process;
const [processor, params = '{}', nodeGroup = 'lts', ...place] = process.argv.slice(2);
const [address = env.LTS_REGISTRY_ADDRESS ?? 'nats://127.0.0.1:4222', cluster = env.LTS_CLUSTER_NAME ?? 'lts'] = place;
const from = `plain-${randomUUID()}`;
const untilMs = performance.now() + Number(env.LTS_WITHIN_MS ?? 300_000);
const mayPass = new Set(['LTS_NO_TRACKER', 'LTS_TIMEOUT', 'LTS_BUSY', 'LTS_STORE_FAILED']);
const ended = new Set(['succeeded', 'failed', 'cancelled', 'expired', 'skipped']);

/** One request. Throws what NATS throws (nobody there, no answer in time), and the error that a JobTracker answered. */
async function ask(kind, body, deadlineMs) {
  const envelope = { v: 1, kind, id: randomUUID(), from, sentAt: Date.now(), deadlineMs, body };
  const subject = `lts.${cluster}.tracker`;
  const answer = (await nats.request(subject, JSON.stringify(envelope), { timeout: deadlineMs })).json();
  if (answer.kind === 'Error') throw Object.assign(new Error(answer.body.message), { code: answer.body.code });
  return answer.body;
}

/** Repeats the request, as every kind used here allows, until it is answered or the time is over. */
async function answerOf(kind, body, waitMs = 0) {
  for (let why = 'no time was left'; ; await sleep(500)) {
    const leftMs = Math.round(untilMs - performance.now());
    if (!(leftMs > 0)) throw new Error(`${kind} was not answered in time: ${why}`);
    try {
      const reply = await ask(kind, body, Math.min(waitMs + 5000, leftMs));
      if (reply.answers?.[0].code !== 'busy') return reply;
      why = 'the JobTracker is busy';
    } catch (error) {
      if (error.code?.startsWith('LTS_') && !mayPass.has(error.code)) throw error;
      why = String(error);
    }
    console.error(`${kind} is sent again: ${why}`);
  }
}

const login = { user: env.LTS_NATS_USER, pass: env.LTS_NATS_PASSWORD };
const inboxPrefix = `lts.${cluster}.inbox.JOB_CLIENT.${from}`;
const servers = address.split(',');
const nats = await connect({ servers, ...login, name: from, inboxPrefix, maxReconnectAttempts: -1 });
try {
  const what = { nodeGroup, processor, params: JSON.stringify(JSON.parse(params)) };
  const how = { priority: 100, lane: '', needFeedback: false, submittedAt: Date.now(), retry: {} };
  const when = { trigger: { kind: 'delay', delayMs: 0 }, relyOnPrevCycle: true, misfire: 'fire-once' };
  // The jobId is made once, before the first sending: however often the job is sent, it is the same job.
  const job = { jobId: randomUUID(), body: { ...what, ...how }, ...when, replaceOnExist: false };
  const [{ code, jobId, msg = '' }] = (await answerOf('SubmitJobs', { jobs: [job] })).answers;
  console.error(`job ${jobId}: ${code} ${msg}`);
  if (code === 'rejected') throw new Error('the job was refused; sending it again cannot help');
  // Accepted, or a duplicate: then jobId names the open job that has this taskId, and its result is waited for.
  let status = { rev: 0, state: 'waiting' };
  while (!ended.has(status.state)) {
    const question = { jobId, afterRev: status.rev, waitMs: 5000, isLogWanted: false };
    status = (await answerOf('AwaitJob', question, question.waitMs)).job?.status ?? status;
  }
  const { state, reason = '', message = '', result = 'null' } = status;
  if (state !== 'succeeded') throw new Error(`it ended as ${state} ${reason}: ${message}`);
  console.log(result);
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
} finally {
  await nats.close();
}
