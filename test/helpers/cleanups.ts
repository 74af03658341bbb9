/** What a test starts and leaves behind; `afterEach(cleanUp)` ends it, in the opposite order. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const cleanups: (() => unknown)[] = [];

export function atEnd(end: () => unknown): void {
  cleanups.push(end);
}

export async function cleanUp(): Promise<void> {
  for (const end of cleanups.splice(0).reverse()) await end();
}

/** A node that is stopped at the end, also when it did not start. */
export async function started<T extends { start(): Promise<T>; stop(): Promise<unknown> }>(node: T): Promise<T> {
  atEnd(() => node.stop());
  return node.start();
}

/** Removed at the end. */
export function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lts-test-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
