/** How a node gets to NATS and stays there: credentials, TLS, unreachable, killed and frozen servers. */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { nkeys } from 'nats';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NatsConnection } from '../../../src/adapters/nats/nats-connection.js';
import type { NatsSettings } from '../../../src/adapters/nats/nats-settings.js';
import { Deferred } from '../../../src/kit/deferred.js';
import { freePort, NatsServer, type NatsServerOptions, natsMissing } from '../../servers/nats-server.js';
import { eventually, Nodes, reconnected } from './nodes.js';

const missing = natsMissing();

describe.skipIf(missing)(`a connection to nats-server${missing ? ` (${missing})` : ''}`, () => {
  let nodes: Nodes;
  let servers: NatsServer[];

  beforeEach(() => {
    nodes = new Nodes();
    servers = [];
  });
  afterEach(async () => {
    await nodes.stop();
    for (const server of servers) await server.stop();
  });

  const serve = async (options: NatsServerOptions = {}) => {
    const server = await NatsServer.start({ hasJetStream: false, ...options });
    servers.push(server);
    return server;
  };
  /** The refusal, as code and text. */
  const refusal = async (url: string, more: Partial<NatsSettings> = {}) => {
    const error = await nodes.start(url, more).then(
      () => 'it connected',
      (caught: Error & { code: string }) => `${caught.code}: ${caught.message}`,
    );
    return error;
  };

  describe('credentials', () => {
    it('connects with user and password, from settings or from the address', async () => {
      const server = await serve({ config: 'authorization { user: worker, password: "s3cret@x" }' });
      await nodes.start(server.url, { user: 'worker', password: 's3cret@x' });
      await nodes.start(`nats://worker:s3cret%40x@127.0.0.1:${server.port}`);
    });

    it('refuses at once with a wrong password, names the user and shows no secret', async () => {
      const server = await serve({ config: 'authorization { user: worker, password: s3cret }' });
      const text = await refusal(server.url, { user: 'worker', password: 'wr0ng' });
      expect(text).toMatch(/^LTS_CONNECT_FAILED: .*refuses node node-1: the password of user worker/);
      expect(await refusal(`nats://worker:wr0ng@127.0.0.1:${server.port}`)).toMatch(/\/\/\*\*\*@127.0.0.1/);
      expect(`${text} ${await refusal(`nats://worker:wr0ng@127.0.0.1:${server.port}`)}`).not.toContain('wr0ng');
      expect(await refusal(server.url)).toMatch(/a user, token or key is wrong or missing/);
    });

    it('connects with a token, from settings or from the address', async () => {
      const server = await serve({ config: 'authorization { token: t0ken }' });
      await nodes.start(server.url, { token: 't0ken' });
      await nodes.start(`nats://t0ken@127.0.0.1:${server.port}`);
      expect(await refusal(server.url, { token: 'other' })).toMatch(/^LTS_CONNECT_FAILED: .*the token is wrong/);
    });

    it('connects with an nkey', async () => {
      const user = nkeys.createUser();
      const server = await serve({ config: `authorization { users: [ { nkey: ${user.getPublicKey()} } ] }` });
      await nodes.start(server.url, { nkeySeed: new TextDecoder().decode(user.getSeed()) });
      const other = new TextDecoder().decode(nkeys.createUser().getSeed());
      expect(await refusal(server.url, { nkeySeed: other })).toMatch(/^LTS_CONNECT_FAILED: .*the nkey-seed is wrong/);
      expect(await refusal(server.url, { nkeySeed: 'nonsense' })).toMatch(
        /^LTS_CONNECT_FAILED: .*the nkey-seed is wrong/,
      );
    });

    it('connects with a creds file', async () => {
      const { config, creds } = operatorMode();
      const server = await serve({ config, files: { 'user.creds': creds } });
      await nodes.start(server.url, { credsFile: join(server.folder, 'user.creds') });
      expect(await refusal(server.url)).toMatch(/^LTS_CONNECT_FAILED/);
      expect(await refusal(server.url, { credsFile: join(server.folder, 'nats.conf') })).toMatch(
        /^LTS_CONNECT_FAILED: .*the creds-file .* is wrong/,
      );
    });

    it('refuses settings that cannot be meant, and names the key', async () => {
      const url = 'nats://127.0.0.1:4222';
      expect(await refusal(url, { token: 'a', user: 'b' })).toMatch(/^LTS_CONFIG_INVALID: .*user and token/);
      expect(await refusal(url, { credsFile: 'nowhere.creds' })).toMatch(/creds-file: nowhere.creds .*ENOENT/);
      expect(await refusal(url, { tls: { caFile: 'nowhere.pem' } })).toMatch(/tls.ca-file: nowhere.pem .*ENOENT/);
      expect(await refusal(url, { tls: { certFile: 'a.pem' } })).toMatch(/cert-file and key-file go together/);
      expect(await refusal('http://u:pa55@host')).toMatch(
        /^LTS_CONFIG_INVALID: .*http:\/\/\*\*\*@host is not an address/,
      );
      expect(await refusal(url, { servers: [] })).toMatch(/^LTS_CONFIG_INVALID: .*servers: none/);
    });

    it('redials for ever when its user is revoked, and is back when it is restored', async () => {
      const allowed = { hasJetStream: false, config: 'authorization { user: worker, password: one }' };
      const server = await serve(allowed);
      const node = await nodes.start(server.url, { user: 'worker', password: 'one' });
      server.configure({ ...allowed, config: 'authorization { user: worker, password: two }' });
      server.reload();
      await eventually(() => !node.transport.isUp());
      // Twice the same refusal would end the library's redialling by default.
      await eventually(
        () => nodes.lines.filter(({ fields }) => JSON.stringify(fields).includes('AUTHORIZATION')).length > 3,
      );
      const back = reconnected(node);
      server.configure(allowed);
      server.reload();
      await back;
      expect(node.transport.isUp()).toBe(true);
    });
  });

  describe('TLS', () => {
    const itTls = it.skipIf(!process.env.CI && !hasOpenssl());
    /** A server that shows the certificate of this name, and what a node needs to trust it and be trusted. */
    const serveTls = async (name: 'server' | 'addressed' | 'expired') => {
      const server = await serve();
      const at = (file: string) => join(server.folder, file);
      makeCertificates(server.folder);
      await server.kill();
      const files = `cert_file: "${at(`${name}.pem`)}", key_file: "${at(`${name}.key`)}", ca_file: "${at('ca.pem')}"`;
      server.configure({ hasJetStream: false, config: `tls { ${files}, verify: true }` });
      await server.run();
      const tls = { caFile: at('ca.pem'), certFile: at('client.pem'), keyFile: at('client.key') };
      const url = `tls://localhost:${server.port}`;
      return { url, urlByAddress: `tls://127.0.0.1:${server.port}`, tls };
    };

    itTls('checks the server by the CA, and shows its own certificate', async () => {
      const { url, tls } = await serveTls('server');
      const { caFile, ...shown } = tls;
      await nodes.start(url, { tls });
      expect(await refusal(url, { tls: shown })).toMatch(/^LTS_CONNECT_FAILED: .*no TLS connection \(\w+\)/);
      expect(await refusal(url, { tls: { caFile }, connectWithinMs: 500 })).toMatch(/^LTS_CONNECT_FAILED/);
    });

    itTls('refuses a server whose certificate is for another host name', async () => {
      const named = await serveTls('server');
      const wrong = /^LTS_CONNECT_FAILED: .*no TLS connection \(ERR_TLS_CERT_ALTNAME_INVALID\).*the host name/;
      expect(await refusal(named.urlByAddress, named)).toMatch(wrong);
      const addressed = await serveTls('addressed');
      expect(await refusal(addressed.url, addressed)).toMatch(wrong);
      await nodes.start(addressed.urlByAddress, addressed);
    });

    itTls('refuses a server whose certificate has expired', async () => {
      const { url, tls } = await serveTls('expired');
      expect(await refusal(url, { tls })).toMatch(/^LTS_CONNECT_FAILED: .*no TLS connection \(CERT_HAS_EXPIRED\)/);
    });

    it('says that a server offers none', async () => {
      const server = await serve();
      expect(await refusal(`tls://127.0.0.1:${server.port}`, { connectWithinMs: 300 })).toMatch(
        /^LTS_CONNECT_FAILED: .*TLS/,
      );
    });
  });

  describe('a server that is away', () => {
    it('ends the start after its deadline and names every server', async () => {
      const [one, two] = [await freePort(), await freePort()];
      const servers = [`nats://u:pa55@127.0.0.1:${one}`, `nats://127.0.0.1:${two}`];
      const text = await refusal('', { servers, connectWithinMs: 400 });
      expect(text).toMatch(/^LTS_CONNECT_FAILED: .* does not answer within 400 ms \(ECONNREFUSED\)/);
      expect(text).toContain(`//***@127.0.0.1:${one}, nats://127.0.0.1:${two}`);
      expect(text).not.toContain('pa55');
    });

    it('is waited for at the start', async () => {
      const server = await serve();
      await server.kill();
      const starting = nodes.start(server.url, { connectWithinMs: 10_000 });
      await server.run();
      expect((await starting).transport.isUp()).toBe(true);
    });

    it('after SIGKILL and a start on the same port has every subscription again', async () => {
      const server = await serve();
      const asker = await nodes.start(server.url);
      const answerer = await nodes.start(server.url);
      answerer.transport.subscribe('test.subject', async () => 'here', { queue: 'q' });
      await answerer.transport.ready();
      const back = Promise.all([reconnected(asker), reconnected(answerer)]);
      await server.kill();
      await eventually(() => !asker.transport.isUp() && !answerer.transport.isUp());
      const asking = asker.transport.request('test.subject', { kind: 'ask', body: null }, { deadlineMs: 60_000 });
      await expect(asking).rejects.toMatchObject({ code: 'LTS_NO_TRACKER', isRetryable: true });
      asker.transport.publish('test.subject', { kind: 'news', body: null });
      expect(asker.transport.counts()).toEqual({ malformed: 0, dropped: 1 });
      await server.run();
      await back;
      await answerer.transport.ready();
      expect(await asker.transport.request('test.subject', { kind: 'ask', body: null }, { deadlineMs: 5_000 })).toBe(
        'here',
      );
    });

    it('is told once, with its address and what to do, and once when it is back', async () => {
      const server = await serve();
      await nodes.start(server.url, { meanwhile: 'Runs go on' });
      const told = () =>
        nodes.lines.filter(({ level }) => level !== 'debug').map(({ level, text }) => `${level} ${text}`);
      await server.kill();
      await eventually(() => told().length > 0);
      await server.run();
      await eventually(() => told().length > 1);
      expect(told()).toEqual([
        `warn NATS at ${server.url} is away; it is redialled all the time. Runs go on. Start nats-server there, or mend the network to it`,
        'info connected to NATS again',
      ]);
    });

    it('keeps what was under way: its answer may come after the reconnect', async () => {
      const server = await serve();
      const asker = await nodes.start(server.url);
      const answerer = await nodes.start(server.url);
      const reached = new Deferred<void>();
      const later = new Deferred<string>();
      answerer.transport.subscribe('test.subject', () => {
        reached.resolve();
        return later.promise;
      });
      await answerer.transport.ready();
      const answer = asker.transport.request('test.subject', { kind: 'ask', body: null }, { deadlineMs: 30_000 });
      await reached.promise;
      const back = Promise.all([reconnected(asker), reconnected(answerer)]);
      await server.kill();
      await server.run();
      await back;
      await asker.transport.ready();
      later.resolve('after all');
      expect(await answer).toBe('after all');
    });
  });

  describe('a frozen server', () => {
    const pingEveryMs = 150;

    it.each([
      ['with empty buffers', 0],
      ['with full buffers, in which the library alone would hang', 16],
    ])('is given up after two pings %s; nothing waits longer than its deadline', async (_how, megabytes) => {
      const server = await serve();
      const node = await nodes.start(server.url, { pingEveryMs });
      node.transport.subscribe('test.silent', () => new Promise(() => {}));
      await node.transport.ready();
      server.pause();
      const text = 'x'.repeat(1_000_000);
      for (let i = 0; i < megabytes; i++) node.transport.publish('test.nobody', { kind: 'bulk', body: text });
      const asked = node.transport.request('test.silent', { kind: 'ask', body: null }, { deadlineMs: 200 });
      await expect(asked).rejects.toMatchObject({ code: 'LTS_TIMEOUT' });
      await eventually(() => !node.transport.isUp());
      const back = reconnected(node);
      server.resume();
      await back;
    });

    it('lets the start end at its deadline', async () => {
      const server = await serve();
      server.pause();
      expect(await refusal(server.url, { connectWithinMs: 100 })).toMatch(/^LTS_CONNECT_FAILED: .*TIMEOUT/);
    });

    it('does not hold up the end of a node', async () => {
      const server = await serve();
      const { transport, connection } = await nodes.start(server.url);
      server.pause();
      await transport.close();
      await connection.close();
      expect(await connection.ended).toBeUndefined();
    });
  });

  it('ends for good only with close', async () => {
    const server = await serve();
    const connection = await NatsConnection.open(
      { servers: [server.url], identity: 'a', inboxPrefix: 'in.a' },
      nodes.parts(),
    );
    let hasEnded = false;
    void connection.ended.then(() => {
      hasEnded = true;
    });
    await server.kill();
    await eventually(() => !connection.isUp());
    expect(hasEnded).toBe(false);
    await connection.close();
    expect(await connection.ended).toBeUndefined();
  });
});

const certificateTool = 'openssl';

function hasOpenssl(): boolean {
  return spawnSync(certificateTool, ['version']).status === 0;
}

/** A CA and its certificates in `folder`: of a server and a client at localhost, of a server at 127.0.0.1, and one that has expired. */
function makeCertificates(folder: string): void {
  const openssl = (...args: string[]) => execFileSync(certificateTool, args, { cwd: folder, stdio: 'ignore' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=test-ca');
  for (const name of ['server', 'client', 'addressed', 'expired']) {
    openssl(
      'req',
      ...key,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      `/CN=${name}`,
      '-addext',
      `subjectAltName=${name === 'addressed' ? 'IP:127.0.0.1' : 'DNS:localhost'}`,
    );
    const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-copy_extensions', 'copy'];
    const days = ['-days', name === 'expired' ? '-1' : '2'];
    openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, ...signed, ...days);
  }
}

/** An operator, an account and a user, each signed by the one before, as `nsc` would make them. */
function operatorMode(): { config: string; creds: string } {
  const [operator, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createUser()];
  const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const jwt = (issuer: typeof operator, subject: typeof operator, nats: object) => {
    const claims = { jti: 'test', iat: 1, iss: issuer.getPublicKey(), sub: subject.getPublicKey(), name: 'test', nats };
    const head = `${base64({ typ: 'JWT', alg: 'ed25519-nkey' })}.${base64(claims)}`;
    return `${head}.${Buffer.from(issuer.sign(new TextEncoder().encode(head))).toString('base64url')}`;
  };
  const limits = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
  const accountJwt = jwt(operator, account, { type: 'account', version: 2, limits });
  const userJwt = jwt(account, user, { type: 'user', version: 2, subs: -1, data: -1, payload: -1 });
  const config = `operator: ${jwt(operator, operator, { type: 'operator', version: 2 })}
    resolver: MEMORY
    resolver_preload: { ${account.getPublicKey()}: ${accountJwt} }`;
  const block = (what: string, text: string) => `-----BEGIN ${what}-----\n${text}\n------END ${what}------\n\n`;
  const creds = block('NATS USER JWT', userJwt) + block('USER NKEY SEED', new TextDecoder().decode(user.getSeed()));
  return { config, creds };
}
