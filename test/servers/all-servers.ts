/** Starts the servers of a run's scenarios once, before its first file, and ends them after its last. */
import type { TestProject } from 'vitest/node';
import { startMongoServer } from './mongo-server.js';
import { NatsServer } from './nats-server.js';

declare module 'vitest' {
  interface ProvidedContext {
    natsUrl: string;
    mongoUrl: string;
  }
}

export default async function start(project: TestProject): Promise<() => Promise<void>> {
  const nats = await NatsServer.start();
  const mongo = await startMongoServer();
  project.provide('natsUrl', nats.url);
  project.provide('mongoUrl', mongo.url);
  return async () => {
    await nats.stop();
    await mongo.stop();
  };
}
