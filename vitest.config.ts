import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const maxWorkers = Math.max(2, availableParallelism());
const LONG = 'test/**/*.long.test.ts';
/** What needs no process of its own: bytes in, bytes out. */
const UNITS = 'test/{bench,conformance,connection,fuzz,kernels,memory,protocol,pubsub,study}/**/*.test.ts';

// Tests run against dist/: threads load JavaScript, and what ships is what is tested.
export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers,
    projects: [
      {
        extends: true,
        test: { name: 'units', include: [UNITS], exclude: [LONG], isolate: false, testTimeout: 20_000 },
      },
      {
        extends: true,
        test: { name: 'servers', include: ['test/**/*.test.ts'], exclude: [UNITS, LONG], testTimeout: 20_000 },
      },
      {
        extends: true,
        test: { name: 'long', include: [LONG], testTimeout: 120_000 },
      },
    ],
  },
});
