import type { BackplaneConnection } from './backplane.js';

const METHODS: readonly (keyof BackplaneConnection)[] = ['publish', 'subscribe', 'unsubscribe', 'close'];

/** The methods that what `connect()` has resolved to does not have. Engines are written in JavaScript too, where no compiler says that. */
export function missingMethods(connection: unknown): readonly string[] {
  return METHODS.filter((name) => typeof Reflect.get(Object(connection), name) !== 'function');
}

/** The message about them. */
export function saysMissing(missing: readonly string[]): string {
  return `connect() must resolve to a connection, and what it resolves to has no ${missing.join(', no ')}`;
}
