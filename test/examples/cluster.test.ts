/** The example of a cluster that loses one of each kind of node: run as a user would run it, as nine processes. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { startMongoServer, whyNoMongo } from '../servers/mongo-server.js';
import { NatsServer, natsMissing } from '../servers/nats-server.js';

const root = resolve(import.meta.dirname, '../..');
const example = 'examples/cluster/survive.ts';
const missing = natsMissing() ?? whyNoMongo;

describe.skipIf(missing)(`${example}${missing ? ` (${missing})` : ''}`, () => {
  it('does every page, whoever is killed', async () => {
    const [nats, mongo] = await Promise.all([NatsServer.start(), startMongoServer()]);
    try {
      const tsx = join(root, 'node_modules/tsx/dist/cli.mjs');
      const args = [tsx, '--tsconfig', join(root, 'tsconfig.json'), join(root, example), nats.url, mongo.url];
      const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: nats.folder, timeout: 200_000 });
      expect(stdout).toMatch(/worker-1 \(process \d+\) is killed; it ran the pages \d+, \d+/);
      expect(stdout).toMatch(/page \d+ begins again in worker-[23], \d+ ms after the kill/);
      expect(stdout).toMatch(/the client \(process \d+\) is killed\n.*another client goes on/);
      expect(stdout).toMatch(/tracker-1 \(process \d+\) is killed/);
      expect(stdout).toMatch(/tracker-2 is the master now, \d+ ms after the kill/);
      expect(stdout).toMatch(/200 of 200 pages are done/);
    } finally {
      await nats.stop();
      await mongo.stop();
    }
  }, 240_000);

  it('says how to run it', () => {
    expect(readFileSync(join(root, example), 'utf8')).toContain(`npx tsx ${example}`);
  });
});
