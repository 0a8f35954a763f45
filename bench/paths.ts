/** Where things are, seen from bench/dist, in which the compiled benchmarks run. */
export const ROOT = new URL('../../', import.meta.url);
export const BENCH = new URL('../', import.meta.url);
export const COMPILED = new URL('./', import.meta.url);
