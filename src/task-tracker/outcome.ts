/** From what a runner returned or threw to the outcome of its run. */
import { RunAborted } from '../job/context.js';
import { Action } from '../job/job.js';
import type { RunOutcome } from '../job/next-step.js';
import { Result } from '../job/result.js';
import { durationMs } from '../kit/duration.js';
import type { Codec } from '../ports/codec.js';
import { limits } from '../protocol/limits.js';

/** Nothing, or a plain value, is success; the value is kept as the job's result. */
export function outcomeOfReturn(returned: unknown, codec: Codec): RunOutcome {
  if (!(returned instanceof Result)) return { kind: 'success', result: encoded(returned, codec) };
  const message = returned.message === undefined ? undefined : cut(returned.message);
  switch (returned.action) {
    case Action.EXECUTE_FAILED:
      return { kind: 'failed', message };
    case Action.EXECUTE_EXCEPTION:
      return { kind: 'exception', message };
    case Action.EXECUTE_LATER: {
      const { delay } = returned.options;
      return { kind: 'later', message, delayMs: delay === undefined ? undefined : durationMs(delay, 'Result.later delay') };
    }
    default:
      return { kind: 'success', message, result: encoded(returned.options.value, codec) };
  }
}

/** The stack, so that the job's log shows where it came from. */
export function outcomeOfThrow(thrown: unknown): RunOutcome {
  const text = thrown instanceof Error ? (thrown.stack ?? `${thrown.name}: ${thrown.message}`) : String(thrown);
  return { kind: 'exception', message: cut(text) };
}

/** An aborted run that did not succeed: what it returned or threw is the abort's doing. */
export function outcomeOfAbort({ reason }: RunAborted): RunOutcome {
  switch (reason) {
    case 'timeout':
      return { kind: 'timeout', message: 'The run took longer than its timeout.' };
    case 'cancelled':
      return { kind: 'exception', message: 'The run was cancelled.' };
    case 'lease-lost':
    case 'shutdown':
      return { kind: 'returned', message: `The run was stopped: ${reason}.` };
  }
}

function encoded(value: unknown, codec: Codec): string | undefined {
  return value === undefined ? undefined : codec.encode(value, 'result');
}

function cut(text: string): string {
  return text.length <= limits.messageCharsMax ? text : `${text.slice(0, limits.messageCharsMax - 3)}...`;
}
