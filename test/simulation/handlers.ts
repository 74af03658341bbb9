/** The runner of every simulated job: it does what the job's params tell it to, and the ledger hears of its entry and exit. */
import type { JobContext, RunAborted } from '../../src/job/context.js';
import { Action } from '../../src/job/job.js';
import { Result } from '../../src/job/result.js';
import type { Runners } from '../../src/ports/runners.js';
import { never } from '../../src/testing/simulated-port.js';
import type { RunExit, RunSeen } from './ledger.js';
import type { NodePorts, SimulatedProcess } from './process.js';
import type { World } from './world.js';

/** What one run does. */
export interface Behaviour {
  readonly does: RunExit | 'poison';
  readonly takesMs: number;
  readonly heedsAbort: boolean;
}

/** The n-th run of the job does the n-th of these; the last one repeats. */
export interface Script {
  readonly runs: readonly Behaviour[];
}

export function scriptedRunners(world: World, process: SimulatedProcess, ports: NodePorts): Runners {
  const runner = { id: 'scripted', run: (context: JobContext) => runScript(world, { process, ports, context }) };
  return { find: () => runner, ids: () => [{ id: runner.id }] };
}

interface Call {
  readonly process: SimulatedProcess;
  readonly ports: NodePorts;
  readonly context: JobContext;
}

async function runScript(world: World, { process, ports, context }: Call): Promise<unknown> {
  const { life, clock } = ports;
  if (!life.isAlive) return never();
  const { runs } = context.job.params as unknown as Script;
  const behaviour = runs[Math.min(context.attempt, runs.length) - 1] as Behaviour;
  const seen = enter(world, { process, ports, context }, behaviour);
  context.bizLogger.info(`run ${context.attempt}`);
  await clock.sleep(behaviour.takesMs, behaviour.heedsAbort ? context.signal : undefined);
  if (!life.isAlive) return never();
  if (behaviour.does === 'poison') {
    process.crash();
    return never();
  }
  const isInterrupted = behaviour.heedsAbort && context.signal.aborted;
  return leave(world, seen, isInterrupted ? 'exception' : behaviour.does);
}

function enter(world: World, { process, ports, context }: Call, behaviour: Behaviour): RunSeen {
  const seen: RunSeen = {
    jobId: context.job.jobId,
    runId: context.runId,
    node: process.name,
    life: ports.life.name,
    startedAt: world.time.nowMs,
    heedsAbort: behaviour.heedsAbort,
    isPoison: behaviour.does === 'poison',
  };
  context.signal.addEventListener('abort', () => {
    seen.aborted ??= { at: world.time.nowMs, reason: (context.signal.reason as RunAborted).reason };
    world.ledger.count(`aborts-${seen.aborted.reason}`);
    world.note(seen.life, `abort of ${seen.jobId}: ${seen.aborted.reason}`);
  });
  world.note(
    seen.life,
    `run ${seen.runId.slice(0, 8)} of ${seen.jobId} starts: ${behaviour.does} in ${behaviour.takesMs} ms`,
  );
  world.checker.started(seen);
  return seen;
}

function leave(world: World, seen: RunSeen, how: RunExit): Result {
  const value = how === 'success' ? seen.runId.slice(0, 8) : undefined;
  seen.exit = { at: world.time.nowMs, how, value };
  world.note(seen.life, `run ${seen.runId.slice(0, 8)} of ${seen.jobId} ends: ${how}`);
  world.ledger.count(`runs-${how}`);
  switch (how) {
    case 'success':
      return Result.success('done', value);
    case 'failed':
      return Result.failed('told to fail');
    case 'later':
      return new Result(Action.EXECUTE_LATER, 'told to come again');
    case 'exception':
      throw new Error('told to throw');
  }
}
