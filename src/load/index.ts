export { OptionError } from '../options/option-error.js';
export type { LatencySummary } from './latency.js';
export { load } from './load.js';
export type { Expectation, LoadControls, LoadMode, LoadOptions, LoadProgress } from './load-options.js';
export type { LoadResult, LoadResultOptions } from './load-result.js';
export { LoadThreadError } from './load-thread-error.js';
