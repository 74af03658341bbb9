import { expect, it } from 'vitest';
import { messagesSchema } from '../../src/protocol/shapes/messages-schema.js';
import { kinds } from './sample-bodies.js';

/** As biome writes it: a list of words on one line, where it fits. */
const formatted = (json: string): string =>
  json.replace(/^(.*)\[\n([^[\]{}]*)\n *\](,?)$/gm, (whole, start: string, words: string, end: string) => {
    const line = `${start}[${words.trim().replace(/\n */g, ' ')}]${end}`;
    return line.length <= 120 ? line : whole;
  });

/** `npx vitest run test/protocol -u` writes the file anew. */
it('messages.schema.json says what the shapes say', async () => {
  const text = `${formatted(JSON.stringify(messagesSchema(), null, 2))}\n`;
  await expect(text).toMatchFileSnapshot('../../src/protocol/messages.schema.json');
});

it('has a body and a reply of every kind, and no reference that leads nowhere', () => {
  const schema = messagesSchema();
  const defs = schema.$defs as Record<string, unknown>;
  for (const kind of kinds)
    expect(Object.keys(defs)).toEqual(expect.arrayContaining([`${kind}.body`, `${kind}.reply`]));
  const refs = [...JSON.stringify(schema).matchAll(/"#\/\$defs\/([^"]+)"/g)].map(([, name]) => name as string);
  expect(refs.length).toBeGreaterThan(10);
  for (const name of refs) expect(defs).toHaveProperty([name]);
});
