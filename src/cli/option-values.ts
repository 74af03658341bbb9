/** Values of options, from the text that was typed. What does not fit is an error of usage. */
import { InvalidArgumentError } from 'commander';

export function whole(text: string): number {
  if (/^-?\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new InvalidArgumentError('Write a whole number.');
}

export function positive(text: string): number {
  const value = whole(text);
  if (value > 0) return value;
  throw new InvalidArgumentError('Write a whole number above 0.');
}

/** ISO text or milliseconds since 1970. */
export function instant(text: string): Date {
  const at = new Date(/^\d+$/.test(text) ? Number(text) : text);
  if (!Number.isNaN(at.getTime())) return at;
  throw new InvalidArgumentError("Write an instant such as '2027-01-31T09:00:00+01:00', or milliseconds since 1970.");
}

/** Several with commas, or the option again. */
export function oneOf<Word extends string>(words: readonly Word[]) {
  return (text: string, before: readonly Word[] = []): readonly Word[] => {
    const given = text.split(',');
    if (given.every((word): word is Word => (words as readonly string[]).includes(word))) return [...before, ...given];
    throw new InvalidArgumentError(`Use: ${words.join(', ')}; several with commas.`);
  };
}

/** An option that may be given again. */
export const again = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];
