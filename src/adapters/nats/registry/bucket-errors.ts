/** Translates what the bucket's server answers, once, into errors for people. */
import type { NatsError } from 'nats';
import { LtsError } from '../../../errors.js';
import type { NatsConnection } from '../nats-connection.js';
import { codeOf } from '../nats-errors.js';

const wrongRevision = 10071;
const streamMissing = 10059;
const withoutJetStream = [10039, 10076];
const tooFewServers = 10005;
const isInNoCluster = 10074;

/** The key is not at the revision that the write named. */
export const isWrongRevision = (error: unknown): boolean => apiCode(error) === wrongRevision;

/** Nobody hears what is written: 503 for a write, a code of its own for what asks the stream. */
export function isMissing(error: unknown): boolean {
  return apiCode(error) === streamMissing || (error as { code?: string }).code === '503';
}

/** Why the server did not do it, in its own words. */
export const reasonOf = (error: unknown): string =>
  (error as NatsError).api_error?.description ?? codeOf(error as NatsError);

/** `bucket` is named where its copies matter. */
export function bucketError(error: unknown, connection: NatsConnection, bucket: string): LtsError {
  if (LtsError.is(error)) return error;
  const where = `The registry at NATS ${connection.servers}`;
  const fail = (text: string) => new LtsError('LTS_CONNECT_FAILED', `${where} ${text}`, { cause: error });
  const code = codeOf(error);
  if (code === '503' || withoutJetStream.includes(apiCode(error) ?? 0))
    return new LtsError(
      'LTS_SERVER_UNFIT',
      `${where} (nats-server ${connection.serverVersion}) has no JetStream. Start the server with 'jetstream { store_dir: ... }', and enable it for the account of ${connection.settings.identity}.`,
      { cause: error },
    );
  if (code === 'PERMISSIONS_VIOLATION') {
    const subject = (error as NatsError).permissionContext?.subject ?? 'a subject of JetStream';
    const text = `${where} does not permit node ${connection.settings.identity} to use ${subject}. Grant it to its user.`;
    return new LtsError('LTS_NOT_PERMITTED', text, { cause: error });
  }
  // Of a cluster any server takes the connection, whoever keeps the bucket.
  if (code === 'TIMEOUT' && connection.isUp())
    return fail(
      `does not answer for its bucket ${bucket}: most likely too few of the NATS servers that keep a copy of it are up. Start them again; with lts.nats.replicas=3 one of three may be away.`,
    );
  if (apiCode(error) === tooFewServers)
    return fail(
      `cannot keep as many copies of its bucket ${bucket} as lts.nats.replicas asks for (${reasonOf(error)}). Start all servers of the NATS cluster, or lower the setting.`,
    );
  if (apiCode(error) === isInNoCluster) {
    const text = `lts.nats.replicas: ${where} is one server, which keeps one copy of bucket ${bucket}. Use 1, or make it a cluster of NATS servers.`;
    return new LtsError('LTS_CONFIG_INVALID', text, { cause: error });
  }
  return fail(`does not do what it should: ${reasonOf(error)}.`);
}

function apiCode(error: unknown): number | undefined {
  return (error as NatsError | undefined)?.api_error?.err_code;
}
