/** The command without a process of its own: what it wrote and the code that it would end with. */
import { vi } from 'vitest';
import { makeProgram } from '../../src/cli/program.js';

export interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

class Exited extends Error {
  constructor(readonly code: unknown) {
    super('the command ended its process');
  }
}

/** Runs one command; words stand between spaces or single quotes. One at a time. */
export async function lts(line: string): Promise<Answer> {
  const written = { stdout: '', stderr: '' };
  const listen = (stream: 'stdout' | 'stderr') =>
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      written[stream] += String(text);
      return true;
    });
  const exit = vi.spyOn(process, 'exit').mockImplementation((code) => {
    throw new Exited(code);
  });
  const spies = [listen('stdout'), listen('stderr'), exit];
  const before = process.exitCode;
  try {
    await makeProgram().parseAsync(words(line), { from: 'user' });
    return { code: Number(process.exitCode), ...written };
  } catch (error) {
    if (error instanceof Exited) return { code: Number(error.code), ...written };
    throw error;
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.exitCode = before;
  }
}

/** As a shell does it. */
export const words = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map((found) => found[1] ?? found[2] ?? '');
