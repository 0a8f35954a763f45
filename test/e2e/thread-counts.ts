import type { ServerOptions } from '../../dist/index.js';

/**
 * How many threads the servers of a test have. Most of what servers do is tested without workers by `npm test`, and with workers by the
 * project `workers`, a part of `npm run test:long`: to start a worker takes ten times as long as to start a server without one.
 */
const { WSLOOM_TEST_WORKERS } = process.env;
const HAVE_WORKERS = WSLOOM_TEST_WORKERS === '1';

/** For `describe.each`: without workers by `npm test`, and with so many by the project `workers`. */
export const eachWay = (workers: number): readonly number[] => [HAVE_WORKERS ? workers : 0];

/** For `describe.each`, of tests that belong into workers: nothing by `npm test`. */
export const onlyWithWorkers = (workers: number): readonly number[] => (HAVE_WORKERS ? [workers] : []);

/** For `describe.each`, of tests for which `eachWay` makes no difference: nothing by the project `workers`. */
export const onlyOnce: readonly string[] = HAVE_WORKERS ? [] : [''];

/**
 * For `describe.each`: the names and the options of the ways to run a server. By `npm test` the one without workers, and by the project
 * `workers` those with two, which leave the opening handshake to the primary or do it themselves.
 */
export const eachMode: readonly (readonly [name: string, options: ModeOptions])[] = HAVE_WORKERS
  ? [
      ['two threads', { threads: 2 }],
      ['the opening handshake in two workers', { threads: 2, handshake: 'worker' }],
    ]
  : [['threads: 0', { threads: 0 }]];

type ModeOptions = Required<Pick<ServerOptions, 'threads'>> & Pick<ServerOptions, 'handshake'>;
