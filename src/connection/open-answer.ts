/**
 * What is wrong with a value that `open` has returned, or its promise has given: it looks as if the connection was to be refused, and
 * `open` refuses nobody by what it returns. Every other value means nothing: `(connection) => connection.send('hello')` returns one.
 *
 * @returns undefined if nothing is.
 */
export function problemOfOpen(answer: unknown): string | undefined {
  if (answer === undefined) return undefined;
  if (answer === false) return `it returned false, ${REMEDY}`;
  if (typeof answer !== 'object' || answer === null || !Object.hasOwn(answer, 'status')) return undefined;
  const status: unknown = Reflect.get(answer, 'status');
  if (typeof status !== 'number' || !(status >= 300 && status <= 599)) return undefined;
  return `it returned the status ${status}, ${REMEDY}`;
}

const REMEDY =
  'which refuses nobody: refuse connections in upgrade(), or call connection.close(1008, reason) and return nothing';
