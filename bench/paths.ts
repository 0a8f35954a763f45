/** Where files are, relative to bench/dist, where the compiled benchmarks run. */
export const ROOT = new URL('../../', import.meta.url);
export const BENCH = new URL('../', import.meta.url);
export const COMPILED = new URL('./', import.meta.url);
