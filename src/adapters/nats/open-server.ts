/** Whether a NATS server lets in whoever reaches it. */
import type { ServerInfo } from 'nats';

/** What a server says of itself, as far as it matters here. */
type Said = Pick<ServerInfo, 'auth_required'> & { readonly tls_verify?: boolean };

const isHere = (server: string): boolean => /^(localhost|127(\.\d+){3}|\[?::1\]?)(:\d+)?$/i.test(server);

/** It asks for no login and no certificate, and is not on this machine. `server` is `host:port`. */
export function isOpenToAll({ auth_required, tls_verify }: Said, server: string): boolean {
  return !auth_required && !tls_verify && !isHere(server);
}
