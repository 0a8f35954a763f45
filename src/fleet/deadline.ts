/**
 * Waits for a promise, for some time.
 * @param what is waited for, for the message of the error.
 * @returns a promise that settles as `promise` does, or rejects after `ms` milliseconds. Then nobody asks any more how `promise` ends.
 */
export function withDeadline<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what} has taken more than ${ms} ms`)), ms).unref();
    Promise.resolve(promise)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}
