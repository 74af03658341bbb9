/** Reads files that people write or mount: never a device or a pipe, which may have no end, and never more than a bound. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { LtsError } from '../../errors.js';

/** Throws the system's error; LTS_CONFIG_INVALID for what is no regular file or larger than the bound. */
export function readSmallFile(path: string, bytesMax: number): Buffer {
  // Without O_NONBLOCK the opening of a pipe waits for somebody who writes. Windows has neither.
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    if (!fstatSync(file).isFile()) throw new LtsError('LTS_CONFIG_INVALID', 'is no regular file');
    return contentOf(file, bytesMax);
  } finally {
    closeSync(file);
  }
}

/** Not by its size: files of /proc say 0. */
function contentOf(file: number, bytesMax: number): Buffer {
  const bytes = Buffer.alloc(bytesMax + 1);
  let length = 0;
  for (let read = -1; read !== 0; length += read) read = readSync(file, bytes, length, bytes.length - length, null);
  if (length > bytesMax) throw new LtsError('LTS_CONFIG_INVALID', `is larger than ${bytesMax / 1024} KiB`);
  return bytes.subarray(0, length);
}

/** What follows the name of the file in a sentence. */
export function whyUnread(error: unknown): string {
  if (LtsError.is(error)) return error.message;
  return `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`;
}
