/** All tests in one run: `npx vitest run test/scenario` takes one kind of them. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { tsconfigPaths: true },
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/helpers/leaks.ts'],
    // Processes, not threads: a native store that fails takes only its own file down with it.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 15_000,
    hookTimeout: 15_000,
    allowOnly: false,
  },
});
