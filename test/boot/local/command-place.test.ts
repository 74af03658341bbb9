import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { commandPlace } from '../../../src/boot/local/command-place.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lts-place-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function properties(...lines: string[]): string {
  const file = join(folder, 'lts.properties');
  writeFileSync(file, lines.join('\n'));
  return file;
}

it('is what the properties say, their paths meant from their folder', () => {
  const file = properties('lts.data-path=here', 'lts.cluster-name=demo', 'lts.jobclient.node-group=web');
  expect(commandPlace({ files: [file] })).toEqual({
    dataPath: join(folder, 'here'),
    cluster: 'demo',
    nodeGroup: 'web',
    registryAddress: 'embedded',
    nats: expect.any(Object),
    problems: [],
  });
});

it('is what the command line says rather, its path meant from the working directory', () => {
  const file = properties('lts.data-path=here', 'lts.cluster-name=demo');
  const place = commandPlace({ files: [file], dataPath: 'there', clusterName: 'other' });
  expect(place).toMatchObject({ dataPath: resolve('there'), cluster: 'other' });
});

it('is known in spite of settings that only the application understands', () => {
  const place = commandPlace({ files: [properties('lts.data-path=here', 'lts.jobtracker.configs.job.queue=ours')] });
  expect(place.dataPath).toBe(join(folder, 'here'));
  expect(place.problems).toEqual([expect.stringContaining('lts.properties:2')]);
});

it('is a cluster where the properties name one, with the login of a client; a data path on the command line means what runs there', () => {
  const file = properties('lts.registry-address=nats://host:4222', 'lts.nats.user=all', 'lts.jobclient.nats.user=web');
  expect(commandPlace({ files: [file] })).toMatchObject({
    registryAddress: 'nats://host:4222',
    nats: { user: 'web', connectWithinMs: 10_000 },
  });
  expect(commandPlace({ files: [file], dataPath: 'there' }).registryAddress).toBe('embedded');
});

it('is refused where it cannot be read or is missing', () => {
  const wrong = (text: RegExp) =>
    expect.objectContaining({ code: 'LTS_CONFIG_INVALID', message: expect.stringMatching(text) });
  const place =
    (...lines: string[]) =>
    () =>
      commandPlace({ files: [properties(...lines)] });
  expect(place('lts.cluster-name=a b')).toThrow(wrong(/lts.properties:1.*cluster-name/));
  expect(place('lts.registry-address=http://user:geheim@host:4222')).toThrow(wrong(/^(?!.*geheim).*nats:/s));
  expect(() => commandPlace({ files: [join(folder, 'none')] })).toThrow(wrong(/none: no such file/));
});
