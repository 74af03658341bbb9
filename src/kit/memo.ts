/** A pure function that remembers its latest answers. */

/**
 * `make` with a memory of at most `entriesMax` answers, the oldest forgotten first. What throws is not remembered.
 * For pure functions only: a remembered answer is given again for ever.
 */
export function memoize<Key, Value>(make: (key: Key) => Value, entriesMax: number): (key: Key) => Value {
  const answers = new Map<Key, Value>();
  return (key) => {
    const known = answers.get(key);
    if (known !== undefined) return known;
    const value = make(key);
    if (answers.size >= entriesMax) answers.delete(answers.keys().next().value as Key);
    answers.set(key, value);
    return value;
  };
}
