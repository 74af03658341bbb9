/** All tests in one run: `npx vitest run test/scenario` takes one kind of them, `--project large` one shape of deployment. */
import { defineConfig } from 'vitest/config';
import { whyNoMongo } from './test/servers/mongo-server.js';
import { natsMissing } from './test/servers/nats-server.js';

/** The scenarios once more, in each shape of deployment that there are servers for. */
const shapes = ['embedded', ...serverShapes()];

function serverShapes(): string[] {
  const missing = natsMissing() ?? whyNoMongo;
  if (missing === undefined) return ['small', 'large'];
  console.warn(`The scenarios do not run over NATS: ${missing}`);
  return [];
}

const settings = {
  setupFiles: ['test/helpers/leaks.ts'],
  // Processes, not threads: a native store that fails takes only its own file down with it.
  pool: 'forks' as const,
  testTimeout: 30_000,
  hookTimeout: 60_000,
  allowOnly: false,
};

export default defineConfig({
  resolve: { tsconfigPaths: true },
  test: {
    // One more than the cores of a small machine: much of the time is spent waiting for servers and processes.
    maxWorkers: 3,
    projects: [
      { extends: true, test: { ...settings, name: 'all', include: ['test/**/*.test.ts'] } },
      ...shapes.map((shape) => ({
        extends: true as const,
        test: {
          ...settings,
          name: shape,
          include: ['test/scenario/*.test.ts'],
          env: { LTS_TEST_SHAPE: shape },
          // Hours of virtual time are thousands of real commands.
          testTimeout: 60_000,
          globalSetup: shape === 'embedded' ? [] : ['test/servers/all-servers.ts'],
        },
      })),
    ],
  },
});
