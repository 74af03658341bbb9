/** Translates what the library throws, once, into errors for people. */
import { NatsError } from 'nats';
import { LtsError } from '../../errors.js';
import { type NatsSettings, shownServers } from './nats-settings.js';

/** Errors that another try a moment later would meet again. */
export function isLasting(error: unknown): boolean {
  return isAuthError(error) || isTlsError(error);
}

/** Why no connection came about. Never shows a password, token or key. */
export function connectError(error: unknown, settings: NatsSettings): LtsError {
  const where = `NATS at ${shownServers(settings)}`;
  if (isAuthError(error))
    return failed(
      `${where} refuses node ${settings.identity}: ${credentialsText(settings)} is wrong or missing.`,
      error,
    );
  if (isTlsError(error))
    return failed(
      `${where}: no TLS connection (${tlsCode(error)}). Check tls.ca-file, cert-file, key-file and the host name.`,
      error,
    );
  const withinMs = settings.connectWithinMs ?? 10_000;
  return failed(
    `${where} does not answer within ${withinMs} ms (${codeOf(error)}). Start nats-server there, or correct the address.`,
    error,
  );
}

/** The node was stopped before it had started. */
export function wasInterrupted(identity: string, servers: string): LtsError {
  return new LtsError(
    'LTS_ABORTED',
    `Node ${identity} was stopped while it started and waited for NATS at ${servers}.`,
  );
}

/** The code of a library's or system's error, its chain walked to the innermost. */
export function codeOf(error: unknown): string {
  const inner = (error as { chainedError?: unknown }).chainedError;
  if (inner !== undefined && inner !== error) return codeOf(inner);
  const { code, message } = error as { code?: unknown; message?: unknown };
  return String(code ?? message ?? error);
}

function credentialsText({ user, token, nkeySeed, credsFile, servers }: NatsSettings): string {
  if (user !== undefined) return `the password of user ${user}, or the user,`;
  if (token !== undefined) return 'the token';
  if (nkeySeed !== undefined) return 'the nkey-seed';
  if (credsFile !== undefined) return `the creds-file ${credsFile}`;
  return servers.some((server) => server.includes('@')) ? 'the user or token of the address' : 'a user, token or key';
}

const authCodes = new Set([
  'AUTHORIZATION_VIOLATION',
  'BAD_AUTHENTICATION',
  'BAD_CREDS',
  'AUTHENTICATION_EXPIRED',
  'ACCOUNT_EXPIRED',
]);

function isAuthError(error: unknown): boolean {
  return authCodes.has(codeOf(error)) || /nkeys/i.test((error as Error | undefined)?.name ?? '');
}

const tlsPattern = /^(TLS|ERR_TLS|ERR_SSL|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO|ERR_OSSL|SERVER_OPT_NA$)/;

function isTlsError(error: unknown): boolean {
  return (error instanceof NatsError && error.code === 'TLS') || tlsPattern.test(codeOf(error));
}

function tlsCode(error: unknown): string {
  return codeOf(error) === 'SERVER_OPT_NA' ? 'the server offers none' : codeOf(error);
}

function failed(text: string, cause: unknown): LtsError {
  return new LtsError('LTS_CONNECT_FAILED', text, { cause });
}
