/** Relaxed spelling: `work-threads`, `workThreads`, `WORK_THREADS` and `work.threads` are one key. */

/** What all spellings of a key have in common. */
export const stripped = (key: string): string => key.replaceAll(/[._-]/g, '').toLowerCase();

/** What stands behind a prefix, in any spelling; undefined if the key has another one. */
export function restAfter(key: string, prefix: string): string | undefined {
  const wanted = stripped(prefix);
  if (!stripped(key).startsWith(wanted)) return undefined;
  let seen = '';
  let at = 0;
  for (; at < key.length && seen.length < wanted.length; at++) seen += stripped(key.charAt(at));
  const rest = /^[._-]+([A-Za-z0-9].*)$/.exec(key.slice(at));
  return rest?.[1];
}

/** `pool-size`, `pool.size` and `POOL_SIZE` as the name of a property: `poolSize`. */
export function propertyName(key: string): string {
  const cased = key === key.toUpperCase() ? key.toLowerCase() : key;
  return cased.replaceAll(/[._-]+(.?)/g, (_, next: string) => next.toUpperCase());
}
