/** Default values of the options of a load, in bytes and ms. */
export const LOAD_DEFAULTS = {
  mode: 'echo',
  connections: 10,
  inFlight: 1,
  durationMs: 10_000,
  warmUpMs: 1000,
  workers: 1,
  sizeBytes: 32,
  expect: 'echo',
  timeoutMs: 10_000,
} as const;
