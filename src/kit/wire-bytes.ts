/** What a text weighs as part of a JSON message in UTF-8. */

const quote = 34;
const backslash = 92;
const verticalTab = 11;
/** Most that one UTF-16 unit takes. */
const unitMax = 6;

/** Quotes, backslashes and control characters take more room in JSON, most letters of the world more than a byte in UTF-8. */
export function wireBytes(text: string): number {
  let bytes = 2;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20) bytes += unit >= 8 && unit <= 13 && unit !== verticalTab ? 2 : unitMax;
    else if (unit === quote || unit === backslash) bytes += 2;
    else if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (unit < 0xd800 || unit > 0xdfff) bytes += 3;
    else if (isPair(unit, text.charCodeAt(i + 1))) {
      bytes += 4;
      i++;
      // Half of a pair is escaped.
    } else bytes += unitMax;
  }
  return bytes;
}

const isPair = (first: number, second: number): boolean => first < 0xdc00 && second >= 0xdc00 && second <= 0xdfff;

/** What is wrong with a JSON text that is too large for a field of a message, and how that was counted. */
export function tooLarge(text: string, bytesMax: number): string | undefined {
  if (text.length * unitMax + 2 <= bytesMax) return undefined;
  const bytes = wireBytes(text);
  if (bytes <= bytesMax) return undefined;
  return `${bytes} bytes in a message, where each quote and backslash of its JSON text counts twice; at most ${bytesMax} are allowed`;
}
