/** The command as a process: compiled once, and what it answered. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transpile } from '../helpers/transpile.js';
import { type Answer, words } from './in-process.js';

const application = relative('.', fileURLToPath(new URL('./app-child.ts', import.meta.url)));

/** Only what the command may depend on: neither settings of this machine nor colours. */
function cleanEnv(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('LTS_') && name !== 'NODE_OPTIONS');
  return { ...Object.fromEntries(own), TZ: 'UTC' };
}

export class Commands {
  private readonly living = new Set<ChildProcess>();

  private constructor(
    /** Of the compiled sources. */
    readonly compiled: string,
    /** Where the commands are called. */
    readonly folder: string,
  ) {}

  static async prepare(): Promise<Commands> {
    const compiled = await transpile(['src', application]);
    return new Commands(compiled, await mkdtemp(join(tmpdir(), 'lts-command-')));
  }

  async clear(): Promise<void> {
    for (const child of this.living) child.kill('SIGKILL');
    await rm(this.compiled, { recursive: true, force: true });
    await rm(this.folder, { recursive: true, force: true });
  }

  /** An application that runs on `data` in the folder. */
  async application(data = 'data'): Promise<ChildProcess> {
    const child = fork(join(this.compiled, application.replace(/ts$/, 'js')), [data], {
      cwd: this.folder,
      env: cleanEnv(),
    });
    this.keep(child);
    const failed = once(child, 'exit').then(([code]) =>
      Promise.reject(new Error(`the application ended with ${code}`)),
    );
    await Promise.race([once(child, 'message'), failed]);
    failed.catch(() => {});
    return child;
  }

  /** Stops an application, so that the next one can have its path. */
  async end(application: ChildProcess): Promise<void> {
    const ended = once(application, 'exit');
    application.kill('SIGTERM');
    await ended;
  }

  start(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    const main = join(this.compiled, 'src/cli/main.js');
    const child = spawn(process.execPath, [main, ...args], { cwd: this.folder, env: { ...cleanEnv(), ...env } });
    this.keep(child);
    return child;
  }

  /** Runs one command to its end. */
  async run(args: string, { input = '', env = {} }: { input?: string; env?: NodeJS.ProcessEnv } = {}): Promise<Answer> {
    const child = this.start(words(args), env);
    child.stdin?.end(input);
    return end(child);
  }

  private keep(child: ChildProcess): void {
    this.living.add(child);
    child.once('exit', () => this.living.delete(child));
  }
}

/** What a process writes until it ends. */
export async function end(child: ChildProcess): Promise<Answer> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

/** Resolves when the process has written this text. */
export function written(child: ChildProcess, text: string, to: 'stdout' | 'stderr' = 'stdout'): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = '';
    child[to]?.on('data', (chunk: string | Buffer) => {
      seen += String(chunk);
      if (seen.includes(text)) resolve();
    });
    child.once('close', () => reject(new Error(`the process ended and never wrote ${text}; it wrote ${seen}`)));
  });
}
