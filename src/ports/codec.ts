/** Values to text and back; refuses what it cannot give back unchanged. */
export interface Codec {
  /** Throws LTS_PAYLOAD_INVALID or LTS_PAYLOAD_TOO_LARGE, naming `field`. */
  encode(value: unknown, field: string): string;
  decode(text: string): unknown;
}
export const Codec = Symbol.for('lts.Codec');
