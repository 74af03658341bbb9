/** What a tracker does again and again: it mends what a crash left, forgets what is old, and sends feedback again. */
import { Duty } from '../cluster/duty.js';
import type { Dispatch } from './dispatch.js';
import type { Feedback } from './feedback.js';
import type { Rescue } from './rescue/rescue.js';
import type { Retention } from './retention.js';
import type { TrackerParts } from './tracker-ports.js';
import type { Trigger } from './trigger.js';

const sweepEveryMs = 60_000;
const resendEveryMs = 30_000;
/** Every so many rounds a tracker does what is the master's to do, for there may be none. */
const roundsWithoutMaster = 4;

export interface DutySteps {
  readonly rescue: Rescue;
  readonly trigger: Trigger;
  readonly dispatch: Dispatch;
  readonly retention: Retention;
  readonly feedback: Feedback;
}

export function dutiesOf({ peers, ports }: TrackerParts, steps: DutySteps): Duty[] {
  const { clock, log } = ports;
  const { rescue, trigger, dispatch, retention, feedback } = steps;
  const byMaster = (work: () => Promise<void>) => {
    let rounds = 0;
    return async () => {
      if (peers.isMaster() || ++rounds % roundsWithoutMaster === 0) await work();
    };
  };
  const mend = byMaster(() => trigger.sweep());
  const sweep = async () => {
    await rescue.sweep();
    await mend();
    dispatch.lookAgain();
  };
  const retain = byMaster(() => retention.sweep());
  const resend = byMaster(() => feedback.resend());
  return [
    new Duty({ name: 'sweep', everyMs: sweepEveryMs, clock, log, run: sweep }),
    new Duty({ name: 'retention', everyMs: sweepEveryMs, clock, log, run: retain }),
    new Duty({ name: 'resend of feedback', everyMs: resendEveryMs, clock, log, run: resend }),
  ];
}
