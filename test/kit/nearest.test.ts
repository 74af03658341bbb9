/** The word that somebody probably meant. */
import { expect, it } from 'vitest';
import { hintAt, nearest } from '../../src/kit/nearest.js';

it.each([
  ['workthread', 'workthreads'],
  ['worktheads', 'workthreads'],
  ['workthraeds', 'workthreads'],
  ['nodegruop', 'nodegroup'],
  ['workthreads', 'workthreads'],
  ['banana', undefined],
  ['cat', undefined],
  ['', undefined],
])('of %s it is %s', (word, meant) => {
  expect(nearest(word, ['workthreads', 'nodegroup', 'scan'])).toBe(meant);
});

it('the nearest of several, the first of equals', () => {
  expect(nearest('abcdefghij', ['abcdefghxy', 'abcdefghix', 'abcdefghiy'])).toBe('abcdefghix');
});

it('a hint names the word that was meant, else all of them', () => {
  expect(hintAt('colour', ['color', 'size'])).toBe('Did you mean color?');
  expect(hintAt('weight', ['color', 'size'])).toBe('Known: color, size.');
});
