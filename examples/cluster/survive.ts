/**
 * A cluster that survives: two JobTrackers on one MongoDB, three TaskTrackers and one JobClient, each a process of its own, over NATS.
 * One of each is killed at work; what it did goes on elsewhere, and every page is done once. Run it with:
 *
 *   npx tsx examples/cluster/survive.ts          (after `npm run servers`, or with nats-server and mongod on the PATH)
 *   npx tsx examples/cluster/survive.ts nats://127.0.0.1:4222 mongodb://127.0.0.1:27017
 */
import { Processes, type Running } from './processes.js';

const pages = 200;
const beganAt = performance.now();
const say = (text: string) =>
  console.log(`${((performance.now() - beganAt) / 1000).toFixed(1).padStart(5)} s  ${text}`);

function stopwatch(): () => string {
  const startedAt = performance.now();
  return () => (performance.now() - startedAt).toFixed(0);
}

/** What the workers say: who runs which page, how often each page began and ended, and who waits to hear of the next. */
const running = new Map<string, string>();
const ends = new Map<string, number>();
let begins = 0;
let hear: (page: string, worker: string) => unknown = () => {};

function heed(worker: Running): void {
  worker.onLine((line) => {
    if (line.includes('moves to another tracker')) say(`${worker.name} goes on at the other tracker`);
    const [, verb = '', page = ''] = /(begins|ends) page (\d+)/.exec(line) ?? [];
    if (verb === 'ends') {
      ends.set(page, (ends.get(page) ?? 0) + 1);
      running.delete(page);
    } else if (verb === 'begins') {
      begins++;
      running.set(page, worker.name);
      hear(page, worker.name);
    }
  });
}

const pagesOf = (worker: string) => [...running].filter(([, name]) => name === worker).map(([page]) => page);

async function killWorker(worker: Running): Promise<void> {
  await new Promise<void>((resolve) => {
    hear = () => pagesOf(worker.name).length >= 2 && resolve();
  });
  const cut = new Set(pagesOf(worker.name));
  say(`${worker.name} (process ${worker.pid}) is killed; it ran the pages ${[...cut].join(', ')}`);
  const since = stopwatch();
  const areAllBegunAgain = new Promise<void>((resolve) => {
    hear = (page, other) => {
      if (cut.delete(page)) say(`page ${page} begins again in ${other}, ${since()} ms after the kill`);
      if (cut.size === 0) resolve();
    };
  });
  await worker.end('SIGKILL');
  await areAllBegunAgain;
}

async function killTracker(tracker: Running, other: Running): Promise<void> {
  say(`${tracker.name} (process ${tracker.pid}) is killed`);
  const since = stopwatch();
  await tracker.end('SIGKILL');
  hear = (page, worker) => {
    say(`page ${page} begins in ${worker}, ${since()} ms after the kill: the other tracker has sent it`);
    hear = () => {};
  };
  await other.says('is the master');
  say(`${other.name} is the master now, ${since()} ms after the kill`);
}

async function survive(processes: Processes, nats: string, mongo: string): Promise<void> {
  const startTracker = (name: string) => processes.startNode(name, ['tracker', '--nats', nats, '--mongo', mongo]);
  const startWorker = (name: string) => processes.startNode(name, ['worker', '--nats', nats, '--log', 'info']);
  const order = ['--pages', `${pages}`, '--order', `order-${process.pid}`];
  const startClient = () => processes.startNode('client', ['client', '--nats', nats, ...order]);

  const first = await startTracker('tracker-1');
  await first.says('is the master');
  const second = await startTracker('tracker-2');
  const workers = await Promise.all(['worker-1', 'worker-2', 'worker-3'].map(startWorker));
  for (const worker of workers) heed(worker);
  say('2 trackers, of which tracker-1 is the master, and 3 workers run');
  const client = await startClient();
  await client.says('has submitted');
  say(`the client has submitted ${pages} pages`);

  await killWorker(workers[0] as Running);
  say(`the client (process ${client.pid}) is killed`);
  await client.end('SIGKILL');
  const again = await startClient();
  await again.says('has submitted');
  say(`another client goes on: it has submitted the same ${pages} pages again, which changes nothing`);
  await killTracker(first, second);

  await again.says('pages are done');
  const results = new Set(again.lines.filter((line) => / by worker-\d/.test(line)));
  const twice = [...ends.values()].filter((times) => times > 1).length;
  say(`${results.size} of ${pages} pages are done, ${twice} of them twice; ${begins} runs began`);
}

const processes = new Processes();
const nats = process.argv[2] ?? (await processes.startNats());
const mongo = process.argv[3] ?? (await processes.startMongo());
if (nats === undefined || mongo === undefined) {
  console.log(
    `Several JobTrackers need NATS and MongoDB; ${nats === undefined ? 'NATS' : 'MongoDB'} is missing here. Either`,
  );
  console.log('  npm run servers, which fetches both for tests; or install nats-server and mongod; or');
  console.log('  start them by deploy/docker-compose.yml; or name those that run:');
  console.log('  npx tsx examples/cluster/survive.ts nats://127.0.0.1:4222 mongodb://127.0.0.1:27017');
} else {
  await survive(processes, nats, mongo);
}
await processes.end();
