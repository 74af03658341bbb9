/** Runs every `check:` script of package.json at once and prints, one by one, which passed and what the others found. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const env = { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH}` };

/** Resolves when the command of one script has ended; never rejects. */
function run(name) {
  return new Promise((resolve) => {
    const startedAt = Date.now();
    const child = spawn(scripts[name], { cwd: root, env, shell: true });
    let output = '';
    child.stdout.on('data', (text) => (output += text));
    child.stderr.on('data', (text) => (output += text));
    child.on('close', (code) => resolve({ name, output, isPassed: code === 0, ms: Date.now() - startedAt }));
  });
}

const names = Object.keys(scripts).filter((name) => name.startsWith('check:'));
const results = await Promise.all(names.map(run));
for (const { name, output, isPassed, ms } of results) {
  if (!isPassed) console.log(`\n--- ${name}: ${scripts[name]}\n${output.trim()}\n`);
  console.log(`${isPassed ? 'passed' : 'FAILED'}  ${name}  ${(ms / 1000).toFixed(1)} s`);
}
const failed = results.filter((result) => !result.isPassed).map((result) => result.name);
if (failed.length > 0) {
  console.log(`\nFailed: ${failed.join(', ')}. Each can be run alone with 'npm run'.`);
  process.exitCode = 1;
}
