/** Which servers are warned of. */
import { expect, it } from 'vitest';
import { isOpenToAll } from '../../../src/adapters/nats/open-server.js';

it.each([
  ['nats.example:4222', {}, true],
  ['10.1.2.3:4222', { auth_required: false }, true],
  ['127.example:4222', {}, true],
  ['nats.example:4222', { auth_required: true }, false],
  ['nats.example:4222', { tls_verify: true }, false],
  ['127.0.0.1:4222', {}, false],
  ['localhost:4222', {}, false],
  ['[::1]:4222', {}, false],
])('%s that says %j is open to all: %s', (server, said, isOpen) => {
  expect(isOpenToAll(said, server)).toBe(isOpen);
});
