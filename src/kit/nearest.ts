/** The word that somebody probably meant. */

/** The nearest of `words`, if it is near: at most one edit in four characters, at most four in all. */
export function nearest(word: string, words: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestEdits = Math.min(4, Math.max(1, Math.floor(word.length / 4))) + 1;
  for (const candidate of words) {
    if (Math.abs(candidate.length - word.length) >= bestEdits) continue;
    const edits = editDistance(word, candidate);
    if (edits >= bestEdits) continue;
    best = candidate;
    bestEdits = edits;
  }
  return best;
}

/** What to say of a word that is none of `words`: the one that was probably meant, else all of them. */
export function hintAt(word: string, words: readonly string[]): string {
  const near = nearest(word, words);
  return near === undefined ? `Known: ${words.join(', ')}.` : `Did you mean ${near}?`;
}

/** Insertions, deletions and replacements that make one word the other, row by row (Wagner and Fischer, 1974). */
function editDistance(from: string, to: string): number {
  let above = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (above[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    above = current;
  }
  return above[to.length] ?? 0;
}
