// Echoes. Its hooks return what the query of the connection names.
import { defineHandler } from '../../../dist/index.js';

const raise = () => {
  throw new Error('on purpose');
};

/** An object that `await` takes for a promise. */
const thenable = (then) => Object.defineProperty({}, 'then', { value: then });

/** Returns the last result of `send`. */
const sendUntilFull = (connection) => {
  while (connection.send('x'.repeat(2 ** 20)));
  return false;
};

const ANSWERS = {
  false: () => false,
  later: async () => false,
  status: () => ({ status: 403, body: 'no' }),
  statusLater: async () => ({ status: 401 }),
  twice: () =>
    thenable((resolve) => {
      resolve();
      resolve();
      raise();
    }),
  throwing: () => thenable(raise),
  unreadable: () => Object.defineProperty({}, 'then', { get: raise }),
  rejecting: () => thenable((_resolve, reject) => reject(Object.create(null))),
  trapped: () => new Proxy({}, { getOwnPropertyDescriptor: raise }),
  trappedLater: async () => new Proxy({}, { getOwnPropertyDescriptor: raise }),
  statusCode: () => ({ statusCode: 401 }),
  statusText: async () => ({ status: '403' }),
  sent: (connection) => connection.send('hello'),
  full: (connection) => sendUntilFull(connection),
  fullLater: async (connection) => sendUntilFull(connection),
  fullThenFalse: async (connection) => {
    sendUntilFull(connection);
    await new Promise((resolve) => setTimeout(resolve, 1));
    return false;
  },
  null: () => null,
  zero: () => 0,
  text: () => 'no',
  set: () => new Set([1]),
  answered: async () => ({ status: 200, data: {} }),
  stated: () => ({ status: 'online', statusCode: 42 }),
  closed(connection) {
    connection.close(4001, 'no');
    return false;
  },
};

const answer = (connection, hook) => {
  const [where, what] = connection.query.split('=');
  return where === hook ? ANSWERS[what](connection) : undefined;
};

export default defineHandler({
  open: (connection) => answer(connection, 'open'),
  message(connection, message) {
    connection.send(message);
    return answer(connection, 'message');
  },
  close: (connection) => answer(connection, 'close'),
});
