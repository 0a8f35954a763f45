/**
 * What is wrong with a value that `open` has returned, or its promise has given: it looks as if the connection was to be refused, and
 * `open` refuses nobody by what it returns. Every other value means nothing: `(connection) => connection.send('hello')` returns one. It
 * returns false if its client does not read, which nothing tells from a refusal: then the connection is refused.
 *
 * @returns undefined if nothing is.
 */
export function problemOfOpen(answer: unknown): string | undefined {
  if (answer === undefined) return undefined;
  if (answer === false)
    return `it returned false, ${REMEDY}. If that is what send() or publish() has returned, do not return it`;
  if (typeof answer !== 'object' || answer === null) return undefined;
  for (const key of ['status', 'statusCode']) {
    if (!Object.hasOwn(answer, key)) continue;
    const status: unknown = Reflect.get(answer, key);
    if (isStatus(status)) return `it returned the status ${String(status)}, ${REMEDY}`;
  }
  return undefined;
}

/** Whether it is a status that refuses, as a number or as text. */
function isStatus(value: unknown): boolean {
  return (typeof value === 'number' || typeof value === 'string') && /^[345]\d\d$/.test(String(value));
}

const REMEDY =
  'which refuses nobody: refuse connections in upgrade(), or call connection.close(1008, reason) and return nothing';
