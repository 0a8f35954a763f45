// Echoes; lets the path decide about compression, and a client end its thread.
import { defineHandler } from '../../../dist/index.js';

export default defineHandler({
  message(connection, message) {
    if (!message.isBinary && message.text() === 'die') process.exit(1);
    connection.send(message);
  },
});

export function upgrade({ path }) {
  if (path === '/plain') return { deflate: false };
  if (path === '/refused') return { status: 401 };
  if (path === '/later') return new Promise((resolve) => setImmediate(resolve, {}));
  return undefined;
}
