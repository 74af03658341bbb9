/** From the settings of NATS, and a role's own login, to the options of its node. */
import type { NatsOptions } from '../node-options.js';
import type { ValuesOf } from './table/setting.js';
import type { settingsTable } from './table/settings-table.js';

type Nats = ValuesOf<(typeof settingsTable)['nats']>;

/** A role's own login; it stands for the shared one where it is not given. */
interface Login {
  readonly natsUser: string | undefined;
  readonly natsPassword: string | undefined;
  readonly natsToken: string | undefined;
  readonly natsNkeySeed: string | undefined;
  readonly natsCredsFile: string | undefined;
}

/** The role with its `nats` in place of its login. */
export function withNats<Role extends Login>(
  role: Role,
  shared: Nats,
): Omit<Role, keyof Login> & { readonly nats: NatsOptions } {
  const { natsUser, natsPassword, natsToken, natsNkeySeed, natsCredsFile, ...rest } = role;
  const { connectWithinMs, pingEveryMs, replicas, caFile, certFile, keyFile, isHandshakeFirst } = shared;
  const isTls = isHandshakeFirst || [caFile, certFile, keyFile].some((file) => file !== undefined);
  return {
    ...rest,
    nats: {
      user: natsUser,
      password: natsPassword,
      token: natsToken,
      nkeySeed: natsNkeySeed,
      credsFile: natsCredsFile,
      tls: isTls ? { caFile, certFile, keyFile, isHandshakeFirst } : undefined,
      connectWithinMs,
      pingEveryMs,
      replicas,
    },
  };
}
