// Has the test decide about each upgrade, tells the client what it was given, and echoes.
import { defineHandler } from '../../../dist/index.js';

export default defineHandler({
  open(connection) {
    if (connection.query === 'quiet') return;
    const { id, remoteAddress, path, query, subprotocol, data } = connection;
    connection.send(JSON.stringify({ id, remoteAddress, path, query, subprotocol, data: describe(data) }));
  },
  message(connection, message) {
    connection.send(message);
  },
});

/** What JSON cannot say of a structured clone. */
function describe(data) {
  if (data instanceof Map) return { map: [...data] };
  if (data instanceof Date) return { date: data.getTime() };
  if (data instanceof Uint8Array) return { bytes: [...data] };
  return data;
}

export const upgrade = (request) => globalThis[Symbol.for('wsloom.e2e.upgrade')](request);
