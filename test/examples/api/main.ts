/** Runs every block and prints what came of it as one line of JSON. */
import { testCluster } from 'light-task-scheduler/testing';
import { app } from './application.js';
import { Checkout } from './checkout.js';
import { Orders } from './processors/orders.js';

const { responses } = await import('./submit.js');
const jobId = responses[0]?.jobId ?? '';
await app.jobClient.result(jobId);
const record = await app.jobClient.getJob(jobId);
const { lines } = await app.jobClient.readLog(jobId);
await app.stop();

const { end } = await import('./testing-kit.js');

const cluster = await testCluster({ processors: [Orders] });
const paid = await new Checkout(cluster.jobClient).pay();
await cluster.stop();

const submitted = { code: responses[0]?.code, taskId: responses[0]?.taskId, state: record?.status.state };
const outcome = { ...submitted, message: record?.status.message, log: lines.map(({ text }) => text) };
console.log(JSON.stringify({ submit: outcome, testing: end, synced: paid.synced, receipt: paid.receipt.receipt }));
