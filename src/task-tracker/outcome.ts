/** From what a runner returned or threw to the outcome of its run. */
import { LtsError } from '../errors.js';
import type { RunAborted } from '../job/context.js';
import { Action } from '../job/job.js';
import type { RunOutcome } from '../job/next-step.js';
import { Result } from '../job/result.js';
import { checkPause } from '../job/validate.js';
import { type Duration, durationMs } from '../kit/duration.js';
import { textOf as plainTextOf } from '../kit/shown.js';
import type { Codec } from '../ports/codec.js';
import { limits } from '../protocol/limits.js';

/** Nothing, or a plain value, is success; the value is kept as the job's result. */
export function outcomeOfReturn(returned: unknown, codec: Codec): RunOutcome {
  if (!Result.is(returned)) return { kind: 'success', result: encoded(returned, codec) };
  const message = returned.message === undefined ? undefined : cut(textOf(returned.message));
  switch (returned.action) {
    case Action.EXECUTE_FAILED:
      return { kind: 'failed', message };
    case Action.EXECUTE_EXCEPTION:
      return { kind: 'exception', message };
    case Action.EXECUTE_LATER:
      return { kind: 'later', message, delayMs: laterMs(returned.options.delay) };
    case Action.EXECUTE_SUCCESS:
      return { kind: 'success', message, result: encoded(returned.options.value, codec) };
    default:
      throw new LtsError(
        'LTS_JOB_INVALID',
        `action: ${textOf(returned.action)} is none of the four actions; see Action.`,
      );
  }
}

function laterMs(delay: Duration | undefined): number | undefined {
  if (delay === undefined) return undefined;
  const ms = durationMs(delay, 'Result.later delay');
  checkPause('Result.later delay', ms);
  return ms;
}

/** The stack, so that the job's log shows where it came from. */
export function outcomeOfThrow(thrown: unknown): RunOutcome {
  return { kind: 'exception', message: cut(textOf(thrown)) };
}

/** Thrown before the user's code ran: an error of ours says all in its message, and its stack would only show our own code. */
export function outcomeOfRefusal(thrown: unknown): RunOutcome {
  return LtsError.is(thrown) ? { kind: 'exception', message: cut(thrown.message) } : outcomeOfThrow(thrown);
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

/** Runners throw anything, and pass errors as messages: of an error the stack, so that the log shows where it came from. */
function textOf(value: unknown): string {
  try {
    if (value instanceof Error && typeof value.stack === 'string') return value.stack;
  } catch {
    // An error whose stack cannot be read is shown like any other value.
  }
  return plainTextOf(value);
}

function cut(text: string): string {
  return text.length <= limits.messageCharsMax ? text : `${text.slice(0, limits.messageCharsMax - 3)}...`;
}
