/** What a node must know to reach NATS, and its translation into the library's options. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate, type ConnectionOptions as TlsConnection } from 'node:tls';
import { type ConnectionOptions, credsAuthenticator, nkeyAuthenticator, type TlsOptions } from 'nats';
import { LtsError } from '../../errors.js';

export interface NatsSettings {
  /** `nats://host:4222` or `tls://…`; credentials of the first address that has some (`user:password@` or `token@`) serve all. */
  readonly servers: readonly string[];
  /** The node's identity: its name at the server. */
  readonly identity: string;
  /** Where this node gets its answers, see `Subjects.inbox`. No other user may listen there. */
  readonly inboxPrefix: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  /** The seed of an nkey, `SU…`. */
  readonly nkeySeed?: string | undefined;
  /** A file with a JWT and its nkey seed. Read again at every reconnect, so it may be renewed. */
  readonly credsFile?: string | undefined;
  readonly tls?: NatsTlsSettings | undefined;
  /** The first connection must stand within this time; no dial begins later, and each takes at most 2 s. Default 10,000 ms. */
  readonly connectWithinMs?: number | undefined;
  /** A server that does not answer two pings in a row is given up. Default 5,000 ms. */
  readonly pingEveryMs?: number | undefined;
  /** What this node still does while the server is away, for the log. */
  readonly meanwhile?: string | undefined;
}

/** Files are PEM, read again at every reconnect. With `certFile` and `keyFile` the node shows who it is. */
export interface NatsTlsSettings {
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** For servers that speak TLS from the first byte. Default false. */
  readonly isHandshakeFirst?: boolean | undefined;
}

/** One dial may take this long; a frozen server accepts and then says nothing. */
const dialMs = 2_000;

/** Throws LTS_CONFIG_INVALID for an address that cannot be read, a missing file, or two kinds of credentials. */
export function connectionOptions(settings: NatsSettings): ConnectionOptions {
  const addresses = settings.servers.map(addressOf);
  if (addresses.length === 0) throw bad('servers: none is named; write nats://host:4222.');
  const isTls = settings.tls !== undefined || addresses.some(({ protocol }) => protocol === 'tls:');
  return {
    servers: addresses.map(({ host }) => host),
    name: settings.identity,
    inboxPrefix: settings.inboxPrefix,
    timeout: dialMs,
    pingInterval: settings.pingEveryMs ?? 5_000,
    maxPingOut: 2,
    maxReconnectAttempts: -1,
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
    ...credentials(settings, addresses),
    ...(isTls ? { tls: { ...tlsOptions(settings.tls ?? {}), ...identityCheck(addresses) } } : {}),
  };
}

/** The servers without their secrets, for messages. */
export function shownServers(settings: NatsSettings): string {
  return settings.servers.map((server) => server.replace(/\/\/[^@]*@/, '//***@')).join(', ');
}

function addressOf(server: string): URL {
  try {
    const url = new URL(server.includes('://') ? server : `nats://${server}`);
    if ((url.protocol === 'nats:' || url.protocol === 'tls:') && url.hostname !== '') return url;
  } catch {
    // Said below, without the secrets that the text may hold.
  }
  throw bad(
    `servers: ${server.replace(/\/\/[^@]*@/, '//***@')} is not an address; write nats://host:4222 or tls://host:4222.`,
  );
}

function credentials(settings: NatsSettings, addresses: readonly URL[]): Partial<ConnectionOptions> {
  const inAddress = addresses.find(({ username }) => username !== '');
  const name = inAddress && decodeURIComponent(inAddress.username);
  const isToken = inAddress?.password === '';
  const user = settings.user ?? (isToken ? undefined : name);
  const token = settings.token ?? (isToken && settings.user === undefined ? name : undefined);
  const kinds = { user, token, 'nkey-seed': settings.nkeySeed, 'creds-file': settings.credsFile };
  const given = Object.entries(kinds).filter(([, value]) => value !== undefined);
  if (given.length > 1) throw bad(`${given.map(([kind]) => kind).join(' and ')} are given; only one can count.`);
  if (user !== undefined) return { user, pass: settings.password ?? decodeURIComponent(inAddress?.password ?? '') };
  if (token !== undefined) return { token };
  if (settings.nkeySeed !== undefined)
    return { authenticator: nkeyAuthenticator(new TextEncoder().encode(settings.nkeySeed)) };
  if (settings.credsFile !== undefined) return { authenticator: credsAuthenticator(rereading(settings.credsFile)) };
  return {};
}

/** The file as it is now; while it cannot be read, as it was: an error here would end the connection for good. */
function rereading(path: string): () => Uint8Array {
  let content = fileOf('creds-file', path);
  return () => {
    try {
      content = readFileSync(path);
    } catch {
      // Being replaced; the next reconnect reads it again.
    }
    return content;
  };
}

function tlsOptions({ caFile, certFile, keyFile, isHandshakeFirst }: NatsTlsSettings): TlsOptions {
  if ((certFile === undefined) !== (keyFile === undefined))
    throw bad('tls: cert-file and key-file go together; one is missing.');
  const files = { caFile, certFile, keyFile };
  for (const [key, path] of Object.entries(files)) if (path !== undefined) fileOf(`tls.${keyNames[key]}`, path);
  // By path, so that every reconnect reads what has been renewed.
  const given = Object.fromEntries(Object.entries(files).filter(([, path]) => path !== undefined));
  return { ...(isHandshakeFirst ? { handshakeFirst: true } : {}), ...given };
}

/**
 * The library has a server with an IP address checked as if it were `localhost` (seen with nats 2.29.3). Here its certificate must be
 * for an address that the settings name.
 */
function identityCheck(addresses: readonly URL[]): Pick<TlsConnection, 'checkServerIdentity'> {
  const hosts = addresses.map(({ hostname }) => hostname.replace(/^\[|\]$/g, ''));
  const addressed = hosts.filter((host) => isIP(host) !== 0 || host === 'localhost');
  const check = (name: string, certificate: PeerCertificate) => {
    const wanted = name === 'localhost' && addressed.length > 0 ? addressed : [name];
    const errors = wanted.map((host) => checkServerIdentity(host, certificate));
    return errors.includes(undefined) ? undefined : errors[0];
  };
  return { checkServerIdentity: check };
}

const keyNames: Readonly<Record<string, string>> = { caFile: 'ca-file', certFile: 'cert-file', keyFile: 'key-file' };

function fileOf(key: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw bad(`${key}: ${path} cannot be read (${(cause as NodeJS.ErrnoException).code}).`, cause);
  }
}

function bad(text: string, cause?: unknown): LtsError {
  return new LtsError('LTS_CONFIG_INVALID', `NATS: ${text}`, { cause });
}
