/** A clock that is the same in all threads of a process, in ms from an arbitrary moment. `performance.now()` is not: it begins with its thread. */
export function sharedClockMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1_000_000;
}
