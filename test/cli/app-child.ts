/** An application for the command to talk to: says `ready`, and lets its stepping jobs go on by one line for each message. */
import { JobTracker, TaskTracker } from '../../src/index.js';
import type { JobContext } from '../../src/job/context.js';

const dataPath = process.argv[2] as string;
const none = () => {};
const log = { debug: none, info: none, warn: none, error: none };

let steps = 0;
let onStep: () => void = none;
process.on('message', () => {
  steps++;
  onStep();
});

async function step(context: JobContext, total: number): Promise<void> {
  const { bizLogger, signal } = context;
  for (let line = 1; line <= total && !signal.aborted; line++) {
    bizLogger.info(`line ${line}`);
    if (line === 2) context.progress(50, 'half');
    if (steps === 0 && !signal.aborted)
      await new Promise<void>((resolve) => {
        onStep = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    steps--;
  }
}

const tracker = await new JobTracker({ dataPath, log }).start();
const worker = await new TaskTracker({
  dataPath,
  log,
  processors: {
    echo: ({ job }) => job.params,
    bad: () => {
      throw new Error('no luck');
    },
    step: async (context) => {
      await step(context, 3);
      steps = 0;
      return 'stepped';
    },
  },
}).start();

process.on('SIGTERM', () => {
  void worker
    .stop(100)
    .then(() => tracker.stop())
    .then(() => process.exit(0));
});
process.send?.('ready');
