/** Which lines an outage leaves in the log. */
import { expect, it } from 'vitest';
import { calmLog } from '../../../src/boot/stores/calm-log.js';

it('leaves what came of the outage to level debug, and everything else where it was', () => {
  const lines: string[] = [];
  const note = (level: string) => (_: object, text: string) => void lines.push(`${level} ${text}`);
  const log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  const ofOutage = new Error('away');
  const calm = calmLog(log, (error) => error === ofOutage);
  calm.warn({ error: ofOutage }, 'a');
  calm.error({ error: ofOutage }, 'b');
  calm.error({ error: new Error('a defect') }, 'c');
  calm.warn({ dropped: 7 }, 'd');
  calm.info({ error: ofOutage }, 'e');
  expect(lines).toEqual(['debug a', 'debug b', 'error c', 'warn d', 'info e']);
});
