#!/usr/bin/env node
/** The `lts` command. */
import { makeProgram } from './program.js';

/** Whoever reads the answer may stop reading: `lts jobs | head`. */
function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit();
  throw error;
}

process.stdout.on('error', endQuietly);
process.stderr.on('error', endQuietly);
void makeProgram().parseAsync();
