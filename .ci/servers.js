/**
 * Fetches the servers that the integration tests start into `.servers/`, with whatever this machine has, and says what it
 * could not get. A server that is there already is left alone. The exit code is 1 when one that the tests need is missing.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const folder = join(root, '.servers');
mkdirSync(folder, { recursive: true });

let isIncomplete = false;
for (const file of ['nats.js', 'mongo.js']) {
  const path = join(import.meta.dirname, 'servers', file);
  if (!existsSync(path)) continue;
  const { fetchServers } = await import(`./servers/${file}`);
  /** Each: `{ name, path?, how?, isOptional?, reasons? }`; without a path it could not be fetched. */
  for (const server of await fetchServers(folder)) {
    if (server.path) console.log(`${server.name}: ${server.path.slice(root.length + 1)} (${server.how})`);
    else console.log(`${server.name}: could not be fetched\n  ${server.reasons.join('\n  ')}`);
    if (!server.path && !server.isOptional) isIncomplete = true;
  }
}
if (isIncomplete) process.exitCode = 1;
