/** The properties format, and what this reader adds to it. */
import { describe, expect, it } from 'vitest';
import { decodeText, parseProperties } from '../../../src/boot/settings/properties-file.js';

const read = (source: string) => parseProperties(source).map(({ key, value, line }) => [key, value, line]);

describe('a properties file', () => {
  it.each([
    [
      'a=1\nb = 2\nc:3\nd 4',
      [
        ['a', '1', 1],
        ['b', '2', 2],
        ['c', '3', 3],
        ['d', '4', 4],
      ],
    ],
    ['# x\n\n! y\n  a=1', [['a', '1', 4]]],
    [
      'a=1\r\n\r\nb=2\rc=3',
      [
        ['a', '1', 1],
        ['b', '2', 3],
        ['c', '3', 4],
      ],
    ],
    [
      'a=x,\\\n   y,\\\r\n\tz\nb=2',
      [
        ['a', 'x,y,z', 1],
        ['b', '2', 4],
      ],
    ],
    ['a=\\u0041\\u00e9 é 中', [['a', 'Aé é 中', 1]]],
    ['a\\:b\\=c=1', [['a:b=c', '1', 1]]],
    ['a=C:\\\\data\\\\jobs', [['a', 'C:\\data\\jobs', 1]]],
    ['a=nats://h:4222', [['a', 'nats://h:4222', 1]]],
    ['a=1  \t', [['a', '1', 1]]],
    ['a', [['a', '', 1]]],
    ['a=', [['a', '', 1]]],
    ['', []],
    ['\n\n', []],
  ])('%j', (source, pairs) => {
    expect(read(source)).toEqual(pairs);
  });

  it.each([
    ['a=embedded      # or nats://host:4222', 'embedded'],
    ['a = # later', ''],
    ['a=#1', '#1'],
    ['a=x#y', 'x#y'],
    ['a=x \\# y', 'x # y'],
    ['a=x\\ # y', 'x # y'],
  ])('a # after a space begins a comment: %j', (source, value) => {
    expect(read(source)).toEqual([['a', value, 1]]);
  });

  it.each([
    ['a=\\u12', '\\u must be followed by four hex digits'],
    ['a=C:\\data', '\\d is no escape'],
    ['a\\q=1', '\\q is no escape'],
  ])('escapes that would lose a letter are named: %j', (source, named) => {
    expect(parseProperties(source)[0]?.problem).toContain(named);
  });

  it.each(['a=\\\\u', 'a=\\t\\n\\r\\f\\:\\=\\#\\!\\ ', 'a=b\\', 'a=1 # \\q'])('escapes in order: %j', (source) => {
    expect(parseProperties(source)[0]?.problem).toBeUndefined();
  });

  it('is UTF-8, with or without its mark', () => {
    expect(decodeText(Buffer.from('\uFEFFa=é'))).toBe('a=é');
    expect(decodeText(Buffer.from('a=é', 'latin1'))).toBeUndefined();
  });
});
