/** `lts cancel`, `lts run`, `lts suspend`, `lts resume`: what changes the course of a job. They need a running application. */
import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import type { JobRecord } from '../../job/job.js';
import { type Call, perform } from '../action.js';
import { type ExitCode, exitCodes } from '../exit-codes.js';
import { jobView } from '../format/job-view.js';
import { addJobArgument, type Jobs, keyOf, withTracker } from '../tracker.js';

interface KeyOptions {
  readonly nodeGroup?: string;
}

type Key = ReturnType<typeof keyOf>;

/** What the application answers to a command. */
interface Receipt {
  readonly receipt: 'done' | 'delivered' | 'asked' | 'already-ended';
  readonly job: JobRecord;
}

interface Control {
  readonly name: string;
  readonly description: string;
  /** Done to a job that now is in this state, for example. */
  readonly done: string;
  readonly ask: (jobs: Jobs, key: Key) => Promise<Receipt>;
}

const controls: readonly Control[] = [
  {
    name: 'cancel',
    description: 'cancel a job or a schedule; a running job is asked to stop',
    done: 'is cancelled',
    ask: ({ client }, key) => client.ask('CancelJob', key),
  },
  {
    name: 'run',
    description: 'run a waiting job now, or a schedule once beside its slots',
    done: 'is to run now',
    ask: ({ client }, key) => client.ask('TriggerJob', { ...key, requestId: randomBytes(16).toString('hex') }),
  },
  {
    name: 'suspend',
    description: 'hold a waiting job or a schedule',
    done: 'is suspended',
    ask: ({ client }, key) => client.ask('SuspendJob', key),
  },
  {
    name: 'resume',
    description: 'go on with a suspended job or schedule',
    done: 'goes on',
    ask: ({ client }, key) => client.ask('ResumeJob', key),
  },
];

export function addControlCommands(program: Command): void {
  for (const control of controls) {
    addJobArgument(program.command(control.name).description(control.description)).action(
      (id: string, _options: object, command: Command) =>
        perform<KeyOptions>(command, (call) => change(id, control, call)),
    );
  }
}

function change(id: string, control: Control, { options, out }: Call<KeyOptions>): Promise<ExitCode> {
  return withTracker({ options, out, need: 'change' }, async (jobs) => {
    const { receipt, job } = await control.ask(jobs, keyOf(id, options.nodeGroup));
    const text = `${job.jobId} ${receiptText(receipt, job, control)}`;
    out.answer({ receipt, job: jobView(job) }, () => text);
    return receipt === 'already-ended' ? exitCodes.notNow : exitCodes.done;
  });
}

function receiptText(receipt: Receipt['receipt'], { status }: JobRecord, { done }: Control): string {
  if (receipt === 'delivered') return 'was asked to stop; it ends when its run does';
  if (receipt === 'asked') return 'is to stop; its worker hears of it when it can be reached';
  if (receipt === 'already-ended') return `had ended already: ${status.state}`;
  return done;
}
