/** The testing kit: ten retries in milliseconds. */
import { testCluster } from 'light-task-scheduler/testing';
import { SpringBean } from './processors/spring-bean.js';

const cluster = await testCluster({ processors: [SpringBean], seed: 7, faults: 'none' });
const job = await cluster.submit(SpringBean, { shop: '1' });
await cluster.advance('5m');
const end = { state: job.state(), reason: job.reason, attempts: job.attempts };
await cluster.stop();

export { end };
