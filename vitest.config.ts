import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Two more than there are cores: many tests wait for sockets and processes. */
const maxWorkers = availableParallelism() + 2;
const LONG = 'test/**/*.long.test.ts';
/** Naming what is excluded replaces the defaults, and there are packages under test/ too. */
const PACKAGES = '**/node_modules/**';
/** What needs no process of its own: nothing in it depends on what else its process holds. */
const UNITS =
  'test/{anatomy,capture,client,compression,conformance,connection,fleet,fuzz,kernels,learn,memory,opening,options,protocol,pubsub,study,telemetry,tls}/**/*.test.ts';

/** What the benchmarks and the study are made of: it is not what ships. */
const BENCH = 'test/bench/**/*.test.ts';
/** Files whose tests are run without workers by `npm test`, and with them by the project `workers`. */
const EACH_WAY = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .map((name) => `test/${name}`)
  .filter((path) => path.endsWith('.test.ts') && readFileSync(path, 'utf8').includes("thread-counts.js'"));

/** Long enough for a machine that is busy with other things: what hangs is found all the same. */
const TIMES = { testTimeout: 60_000, hookTimeout: 60_000 };

// Tests run against dist/: threads load JavaScript, and what ships is what is tested.
export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers,
    projects: [
      {
        extends: true,
        test: { name: 'units', include: [UNITS], exclude: [LONG, PACKAGES], isolate: false, ...TIMES },
      },
      {
        extends: true,
        test: {
          name: 'servers',
          include: ['test/**/*.test.ts'],
          exclude: [UNITS, BENCH, LONG, PACKAGES],
          ...TIMES,
        },
      },
      {
        extends: true,
        test: { name: 'bench', include: [BENCH], exclude: [LONG, PACKAGES], isolate: false, ...TIMES },
      },
      {
        extends: true,
        test: {
          name: 'workers',
          include: EACH_WAY,
          exclude: [PACKAGES],
          env: { WSLOOM_TEST_WORKERS: '1' },
          ...TIMES,
        },
      },
      {
        extends: true,
        test: { name: 'long', include: [LONG], exclude: [PACKAGES], testTimeout: 300_000, hookTimeout: 300_000 },
      },
    ],
  },
});
