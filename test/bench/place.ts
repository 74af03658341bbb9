/** Where the benchmark runs: its folder, the file system beneath it, the machine, the state of the sources. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { cpus, loadavg, platform, release, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';

/** The type of the file system that holds a path; 'unknown' where the system does not tell. */
function fileSystemOf(path: string): string {
  try {
    const mounts = readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' '));
    const above = mounts.filter(([, point = '']) => `${path}/`.startsWith(point === '/' ? point : `${point}/`));
    const nearest = above.sort(([, a = ''], [, b = '']) => b.length - a.length)[0];
    return nearest?.[2] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}

/** A new folder for the stores: in `wanted`, else in the folder for temporary files unless that is in memory, else here. */
export function newFolder(wanted: string | undefined): string {
  if (wanted !== undefined) return mkdtempSync(join(resolve(wanted), 'lts-bench-'));
  const temporary = tmpdir();
  return mkdtempSync(join(fileSystemOf(temporary) === 'tmpfs' ? resolve('.') : temporary, 'lts-bench-'));
}

/** Lines to print above the results. */
export function describePlace(folder: string): string {
  const [{ model = 'unknown processor' } = {}] = cpus();
  const memoryGb = (totalmem() / 1024 ** 3).toFixed(1);
  return [
    `machine      ${cpus().length} x ${model}, ${memoryGb} GB, ${platform()} ${release()}, load ${loadavg()[0]?.toFixed(2)}`,
    `node         ${process.version}`,
    `file system  ${fileSystemOf(folder)}`,
    `commit       ${commit()}`,
  ].join('\n');
}

function commit(): string {
  try {
    const git = (...options: string[]): string => execFileSync('git', options, { encoding: 'utf8' }).trim();
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', 'src') === '' ? '' : ' with changes in src'}`;
  } catch {
    return 'unknown';
  }
}
