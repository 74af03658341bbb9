/**
 * Fetches a MongoDB server for the tests, unless LTS_TEST_MONGO_URL names one or a `mongod` is on the PATH: a server that speaks
 * MongoDB's protocol, built by Maven and a JDK from what the machine's own settings reach.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const tooLongMs = 240_000;

/** What the program prints; throws with what it said when it failed. */
function run(program, args) {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: tooLongMs });
}

function answers(program, argument) {
  try {
    run(program, [argument]);
    return true;
  } catch {
    return false;
  }
}

const source = join(import.meta.dirname, 'MongoServerMain.java');

/** Built from this very source. */
function isBuilt(path) {
  const built = join(path, 'MongoServerMain.java');
  return existsSync(built) && readFileSync(built, 'utf8') === readFileSync(source, 'utf8');
}

/** Built aside and moved into place last, so that what is there is whole. */
function build(folder, path) {
  const aside = mkdtempSync(join(folder, 'mongo-'));
  try {
    const lib = join(aside, 'lib');
    const pom = join(import.meta.dirname, 'mongo-server.pom.xml');
    run('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${lib}`]);
    run('javac', ['-cp', join(lib, '*'), '-d', aside, source]);
    copyFileSync(source, join(aside, 'MongoServerMain.java'));
    rmSync(path, { recursive: true, force: true });
    renameSync(aside, path);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

function fetchServer(folder) {
  const path = join(folder, 'mongo');
  if (process.env.LTS_TEST_MONGO_URL) return { path, how: 'not needed: LTS_TEST_MONGO_URL names a server' };
  if (answers('mongod', '--version')) return { path, how: 'not needed: mongod is on the PATH' };
  if (isBuilt(path)) return { path, how: 'there already' };
  const missing = ['mvn', 'javac', 'java'].filter((tool) => !answers(tool, '-version'));
  if (missing.length > 0) {
    return { reasons: [`${missing.join(', ')} not found: install Maven and a JDK of version 17 or newer, or mongod`] };
  }
  try {
    mkdirSync(folder, { recursive: true });
    build(folder, path);
    return { path, how: 'mongo-java-server, built by Maven' };
  } catch (error) {
    const said = String(error.stderr || error.stdout || error.message).trim();
    return { reasons: [`maven: ${said.split('\n').slice(-3).join(' ')}`] };
  }
}

export async function fetchServers(folder) {
  return [{ name: 'MongoDB-protocol server', ...fetchServer(folder) }];
}
