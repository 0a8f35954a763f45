// Echoes, or does on a path what the path is for.
import { defineHandler, publish } from '../../../dist/index.js';

const ANSWER = new Uint8Array(64 * 1024).fill(7);

export default defineHandler({
  open(connection) {
    if (connection.path === '/subscribe') connection.subscribe('topic');
  },
  message(connection, message) {
    if (connection.path === '/busy') {
      for (const endMs = performance.now() + 0.02; performance.now() < endMs; );
    } else if (connection.path === '/answer-64k') {
      connection.send(ANSWER); // whatever it returns
    } else if (connection.path === '/publish') {
      const { count, size } = message.json();
      for (let i = 0; i < count; i++) publish('topic', new Uint8Array(size).fill(i));
      connection.send('published');
    } else {
      connection.send(message);
    }
  },
});

export const upgrade = ({ subprotocols }) => ({ subprotocol: subprotocols[0] });
