// Lets the test decide about each upgrade, sends the client what was attached to it, and echoes.
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

/** Describes a part of a structured clone that JSON cannot. */
function describe(data) {
  if (data instanceof Map) return { map: [...data] };
  if (data instanceof Date) return { date: data.getTime() };
  if (data instanceof Uint8Array) return { bytes: [...data] };
  return data;
}

export const upgrade = (request) => globalThis[Symbol.for('wsloom.e2e.upgrade')](request);
