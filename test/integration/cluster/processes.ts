/** Nodes as processes of their own, for one test file: compiled once, told apart by their lines, ended by their ids. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Deferred } from '../../../src/kit/deferred.js';
import { transpile } from '../../helpers/transpile.js';
import type { ChildPlan } from './node-child.js';

const program = 'test/integration/cluster/node-child.ts';

export class Processes {
  private readonly living = new Set<NodeProcess>();
  private readonly folders: string[] = [];

  private constructor(private readonly compiled: string) {}

  static async prepare(): Promise<Processes> {
    return new Processes(await transpile([program, 'src']));
  }

  folder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'lts-nodes-'));
    this.folders.push(folder);
    return folder;
  }

  /** Resolves when the node is ready; throws what it said when it was refused. */
  async start(plan: ChildPlan): Promise<NodeProcess> {
    const node = this.spawn(plan);
    await node.until(({ lines, isOver }) => lines.includes('ready') || isOver);
    if (!node.lines.includes('ready')) throw new Error(`${plan.role}: ${node.lines.join('\n')}\n${node.errors}`);
    return node;
  }

  spawn(plan: ChildPlan): NodeProcess {
    const node = new NodeProcess(join(this.compiled, program.replace('.ts', '.js')), plan);
    this.living.add(node);
    return node;
  }

  /** Kills what still lives, and removes every folder. */
  async end(): Promise<void> {
    await Promise.all([...this.living].map((node) => node.kill()));
    for (const folder of [this.compiled, ...this.folders]) rmSync(folder, { recursive: true, force: true });
  }
}

export class NodeProcess {
  readonly lines: string[] = [];
  errors = '';
  isOver = false;
  private readonly child: ChildProcess;
  private readonly ended = new Deferred<void>();
  private changed = new Deferred<void>();

  constructor(program: string, plan: ChildPlan) {
    const child = spawn(process.execPath, [program, JSON.stringify(plan)], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    let rest = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text;
    });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      this.lines.push(...parts);
      this.tell();
    });
    child.on('close', () => {
      this.isOver = true;
      this.ended.resolve();
      this.tell();
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Looks at every new line; the test's own limit ends it. */
  async until(holds: (node: NodeProcess) => boolean): Promise<void> {
    while (!holds(this)) await this.changed.promise;
  }

  /** The words of the lines that begin with this one. */
  words(kind: string): string[][] {
    return this.lines.filter((line) => line.startsWith(`${kind} `)).map((line) => line.split(' ').slice(1));
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    if (!this.isOver) this.child.kill('SIGKILL');
    await this.ended.promise;
  }

  /** SIGTERM: it stops in order. */
  async stop(): Promise<void> {
    if (!this.isOver) this.child.kill('SIGTERM');
    await this.ended.promise;
  }

  private tell(): void {
    const { changed } = this;
    this.changed = new Deferred();
    changed.resolve();
  }
}
