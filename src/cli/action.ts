/** Runs what a command does, and ends with the code that says what became of it. */
import type { Command } from 'commander';
import { type ExitCode, exitCodeOf } from './exit-codes.js';
import { type GlobalOptions, Output } from './output.js';

export interface Call<Options> {
  /** The command's own options and the global ones. */
  readonly options: Options & GlobalOptions;
  readonly out: Output;
}

/** `run` answers the exit code; an error has its own. */
export async function perform<Options extends object>(
  command: Command,
  run: (call: Call<Options>) => Promise<ExitCode>,
): Promise<void> {
  const options = command.optsWithGlobals<Options & GlobalOptions>();
  const out = new Output(options);
  try {
    process.exitCode = await run({ options, out });
  } catch (error) {
    out.fail(error);
    process.exitCode = exitCodeOf(error);
  }
}
