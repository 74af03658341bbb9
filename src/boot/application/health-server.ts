/** `/health/live` and `/health/ready` over HTTP: 200 or 503, with the health as JSON. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LtsError } from '../../errors.js';
import type { Health } from './health.js';

/** A prober that is slower than this has lost its connection. */
const requestMaxMs = 5_000;

export class HealthServer {
  private server: Server | undefined;

  constructor(
    private readonly place: { readonly host: string; readonly port: number },
    private readonly health: () => Health,
  ) {}

  /** Answers the port that is listened on: the given one, or a free one for 0. Throws LTS_CONFIG_INVALID when it is taken. */
  async start(): Promise<number> {
    const server = createServer((request, response) => this.answer(request.url ?? '', response));
    server.requestTimeout = requestMaxMs;
    server.headersTimeout = requestMaxMs;
    server.maxConnections = 100;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(this.cannotListen(error)));
      server.listen(this.place, resolve);
    });
    this.server = server;
    return (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (!server) return;
    await new Promise((closed) => {
      server.close(closed);
      server.closeAllConnections();
    });
  }

  private answer(url: string, response: ServerResponse): void {
    const health = this.health();
    const path = url.split('?')[0];
    if (path === '/health/live') return send(response, health.isLive ? 200 : 503, health);
    if (path === '/health/ready') return send(response, health.isReady ? 200 : 503, health);
    send(response, 404, { error: 'Ask for /health/live or /health/ready.' });
  }

  private cannotListen(error: Error): LtsError {
    const { host, port } = this.place;
    const text = `lts.health.port: ${host}:${port} cannot be listened on: ${error.message}. Choose another port.`;
    return new LtsError('LTS_CONFIG_INVALID', text, { cause: error });
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(body)}\n`);
}
