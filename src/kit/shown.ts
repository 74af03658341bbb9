/** Any value as text, for messages: never throws, never long. */
const charsMax = 80;

/** As JSON where that says more: texts in quotes, plain objects with their fields. */
export function shown(value: unknown): string {
  const text = jsonOf(value) ?? textOf(value);
  return text.length > charsMax ? `${text.slice(0, charsMax - 3)}...` : text;
}

/** As `String`, but a value whose own conversion fails is named by its type. */
export function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return `a value of type ${typeof value} that cannot be shown as text`;
  }
}

function jsonOf(value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'object') return undefined;
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
