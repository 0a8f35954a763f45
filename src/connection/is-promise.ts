/** Whether what a hook has returned is to be waited for: anything with a `then`. @throws whatever looking at it throws */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined | null)?.then === 'function';
}
