/** What a text weighs as part of a JSON message in UTF-8. */

const quote = 34;
const backslash = 92;

/** Quotes, backslashes and control characters take more room in JSON, most letters of the world more than a byte in UTF-8. */
export function wireBytes(text: string): number {
  let bytes = 2;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20) bytes += 6;
    else if (unit === quote || unit === backslash) bytes += 2;
    else if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    // Half of a pair takes 2 of the pair's 4, alone it is escaped.
    else bytes += unit >= 0xd800 && unit < 0xe000 ? 6 : 3;
  }
  return bytes;
}
