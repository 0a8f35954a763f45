// Keeps a message beyond its callback, touches it in every way, and sends the results.
import { defineHandler } from '../../../dist/index.js';

const TOUCHES = {
  text: (message) => message.text(),
  bytes: (message) => message.bytes(),
  json: (message) => message.json(),
  borrow: (message) => message.borrow(),
  size: (message) => message.size,
  isBinary: (message) => message.isBinary,
  send: (message, connection) => connection.send(message),
  publish: (message, connection) => connection.publish('topic', message),
};

let kept;

function outcomes(connection, message) {
  const found = {};
  for (const [name, touch] of Object.entries(TOUCHES)) {
    try {
      touch(message, connection);
      found[name] = 'no error';
    } catch (error) {
      found[name] = { name: error.name, code: error.code, message: error.message };
    }
  }
  return JSON.stringify(found);
}

export default defineHandler({
  async message(connection, message) {
    const text = message.text();
    if (text === 'after a turn') {
      setImmediate(() => connection.send(outcomes(connection, message)));
    } else if (text === 'after an await') {
      await undefined;
      connection.send(outcomes(connection, message));
    } else if (text === 'keep') {
      kept = message;
      const borrowed = message.borrow();
      const copied = message.bytes();
      // Looked at before anything else is read.
      setImmediate(() => connection.send(JSON.stringify([...borrowed, ...copied])));
    } else if (text === 'look') {
      connection.send(outcomes(connection, kept));
    }
  },
});
