/** The rules of setting values. Each says in words what fits; checks that jobs know too are the same code. */
import { resolve } from 'node:path';
import { type LoadBalance, loadBalances } from '../../../cluster/tracker-choice.js';
import { LtsError } from '../../../errors.js';
import { parseCron } from '../../../job/cron/cron.js';
import { checkName, checkOneOf, checkWhole } from '../../../job/validate.js';
import { durationMs } from '../../../kit/duration.js';
import { shown } from '../../../kit/shown.js';
import type { Rule } from './setting.js';
import { stripped } from './spelling.js';

function refuse(key: string, value: string, rule: string): never {
  throw new LtsError('LTS_CONFIG_INVALID', `${key}: ${value} ${rule}`);
}

const itemsOf = (text: string, separator: RegExp | string = ','): string[] =>
  text
    .split(separator)
    .map((item) => item.trim())
    .filter((item) => item !== '');

export const name: Rule<string> = {
  describe: 'name: 1 to 64 of A-Z a-z 0-9 _ -',
  read(text, { key }) {
    checkName(key, text);
    return text;
  },
};

export const names: Rule<readonly string[]> = {
  describe: `${name.describe}; several with commas`,
  read(text, place) {
    const list = itemsOf(text);
    const isTwice = list.some((item, i) => list.indexOf(item) !== i);
    if (list.length === 0 || isTwice) refuse(place.key, shown(text), 'must be one or more different names.');
    return list.map((item) => name.read(item, place));
  },
};

/** A whole number of `unit`. */
export function whole(range: { readonly min: number; readonly max: number; readonly unit?: string }): Rule<number> {
  return {
    describe: `whole number, ${range.min} to ${range.max}`,
    unit: range.unit,
    read(text, { key }) {
      const value = /^[+-]?\d+$/.test(text) ? Number(text) : text;
      checkWhole(key, value, range);
      return value;
    },
  };
}

/** Milliseconds, or text with a unit; `min` and `max` as one writes them. */
export function duration({ min, max }: { readonly min: string; readonly max: string }): Rule<number> {
  const minMs = durationMs(min, 'min');
  const maxMs = durationMs(max, 'max');
  return {
    describe: `duration, ${min} to ${max}`,
    unit: "ms, or text such as '30s'",
    read(text, { key }) {
      const ms = durationMs(text, key);
      if (ms < minMs || ms > maxMs) refuse(key, shown(text), `is out of range: use ${min} to ${max}.`);
      return ms;
    },
  };
}

/** One of a few words, in any case. */
export function choice<const Word extends string>(words: readonly Word[]): Rule<Word> {
  return {
    describe: words.join(', '),
    read(text, { key }) {
      const found = words.find((word) => word.toLowerCase() === text.toLowerCase());
      if (found === undefined) checkOneOf(key, text, words);
      return found as Word;
    },
  };
}

/** Also as LTS spells them: `consistenthash`, `mastersalve`. */
export const loadBalance: Rule<LoadBalance> = {
  describe: loadBalances.join(', '),
  read(text, place) {
    const word = stripped(text).replace('mastersalve', 'masterslave');
    return choice(loadBalances).read(loadBalances.find((one) => stripped(one) === word) ?? text, place);
  },
};

/** An adapter by name: one of ours, or an extension for this port. */
export function adapter(port: string, ours: readonly string[]): Rule<string> {
  return {
    describe: `${ours.join(', ')}, or the name of an extension`,
    read(text, place) {
      const users = place.extensionsOf(port);
      return users.includes(text) ? text : choice([...ours, ...users]).read(text, place);
    },
  };
}

const anyFailStore = adapter('job.fail.store', ['lmdb', 'leveldb', 'memory']);
const formerFailStore = /^(rocksdb|berkeleydb|mapdb|ltsdb)$/i;

export const failStore: Rule<string> = {
  ...anyFailStore,
  read(text, place) {
    if (formerFailStore.test(text) && !place.extensionsOf('job.fail.store').includes(text))
      refuse(place.key, shown(text), 'is a FailStore of LTS. Use lmdb, which needs no further package, or leveldb.');
    return anyFailStore.read(text, place);
  },
};

export const boolean: Rule<boolean> = {
  describe: 'true or false',
  read: (text, place) => choice(['true', 'false']).read(text, place) === 'true',
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: to refuse them is what this is for.
const controls = /[\u0000-\u001f\u007f]/;

export const text: Rule<string> = {
  describe: 'text',
  read(written, { key }) {
    if (controls.test(written)) refuse(key, shown(written), 'has control characters.');
    return written;
  },
};

/** Never shown, whatever is wrong with it. */
export const secret: Rule<string> = {
  describe: `secret; better as \${file:path} or \${env:NAME}`,
  read(written, { key }) {
    if (controls.test(written)) refuse(key, 'the value', 'has control characters.');
    return written;
  },
  show: () => '[redacted]',
};

/** Absolute from here on. */
export const path: Rule<string> = {
  describe: 'path',
  read(written, { key, folder }) {
    if (controls.test(written)) refuse(key, shown(written), 'is no path. Write / or \\\\ between folders.');
    return resolve(folder, written);
  },
  show: (value) => value,
};

/** Globs, and the folder that they start from. */
export interface Patterns {
  readonly patterns: readonly string[];
  readonly folder: string;
}

export const patterns: Rule<Patterns> = {
  describe: 'globs, several with commas',
  read(written, { key, folder }) {
    if (controls.test(written)) refuse(key, shown(written), 'is no glob. Write / between folders.');
    // A comma within braces belongs to its glob: {a,b}.
    return { patterns: itemsOf(written, /,(?![^{]*\})/), folder };
  },
};

/** Without who logs in, and how. */
const withoutLogin = (address: string): string => address.replace(/^(\w[\w+]*:\/\/)?.*@/s, '$1[redacted]@');

const formerRegistry = /^(zookeeper|redis|multicast):/i;

export const registryAddress: Rule<string> = {
  describe: 'embedded, or nats://host:port (several with commas; tls:// and user:password@ allowed)',
  read(written, { key }) {
    const parts = itemsOf(written);
    if (parts.length === 1 && written.toLowerCase() === 'embedded') return 'embedded';
    if (parts.length > 0 && parts.every(isServer)) return written;
    const text = formerRegistry.test(written)
      ? 'is a registry of LTS. Use embedded, or nats://host:port.'
      : 'is no address. Use embedded, or nats://host:port.';
    return refuse(key, shown(withoutLogin(written)), text);
  },
  show: (value) => itemsOf(value).map(withoutLogin).join(', '),
};

function isServer(written: string): boolean {
  if (!URL.canParse(written)) return false;
  const { protocol, hostname, pathname, search, hash } = new URL(written);
  return /^(nats|tls):$/.test(protocol) && hostname !== '' && /^\/?$/.test(pathname) && search + hash === '';
}

export const mongoAddresses: Rule<string> = {
  describe: 'host:port, several with commas; or a mongodb:// address',
  read(written, { key }) {
    const isUrl = /^mongodb(\+srv)?:\/\/[^/\s]+/.test(written);
    const hosts = itemsOf(written);
    if (isUrl || (hosts.length > 0 && hosts.every(isHost))) return written;
    return refuse(key, shown(withoutSecrets(written)), 'is no address. Use host:port, several with commas.');
  },
  show: withoutSecrets,
};

/** The options of a URL may have some, too. */
function withoutSecrets(address: string): string {
  return withoutLogin(address).replace(/([?&](?:\w*password|authMechanismProperties)=)[^&]*/gi, '$1[redacted]');
}

function isHost(written: string): boolean {
  const port = /^(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?$/.exec(written);
  return port !== null && Number(port[1] ?? 1) >= 1 && Number(port[1] ?? 1) <= 65_535;
}

export const timeZone: Rule<string> = {
  describe: 'IANA time zone, such as Europe/Berlin',
  read(written, { key }) {
    try {
      parseCron('0 0 0 * * ?', written);
      return written;
    } catch {
      return refuse(key, shown(written), 'is no time zone. Use an IANA name such as Europe/Berlin or UTC.');
    }
  },
};
