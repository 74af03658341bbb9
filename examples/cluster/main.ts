/**
 * A small cluster: one JobTracker, two TaskTrackers and one JobClient, each a process of its own, over NATS. One of the workers is
 * killed at work; the other does its jobs. Run it with:
 *
 *   npx tsx examples/cluster/main.ts                         (with a nats-server on the PATH, or after `npm run servers`)
 *   npx tsx examples/cluster/main.ts nats://127.0.0.1:4222   (with one that runs, JetStream on)
 */
import { Processes } from './processes.js';

const processes = new Processes();
const nats = process.argv[2] ?? (await processes.startNats());
if (nats === undefined) {
  console.log('A cluster needs NATS: run `npm run servers`, install nats-server, or name one that runs:');
  console.log('  npx tsx examples/cluster/main.ts nats://127.0.0.1:4222');
} else {
  const start = (role: string, name: string) => processes.startNode(name, [role, '--nats', nats]);
  await start('tracker', 'tracker');
  const [doomed, other] = await Promise.all([start('worker', 'worker-1'), start('worker', 'worker-2')]);
  const client = await start('client', 'client');
  for (const node of [doomed, other, client]) node.onLine(console.log);
  await doomed.says('begins');
  console.log(`${doomed.name}, process ${doomed.pid}, is killed`);
  await doomed.end('SIGKILL');
  await client.says('pages are done');
}
await processes.end();
