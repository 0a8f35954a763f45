// Misuses the API in the way that its clients name, and sends the result: the value that it returned, or the error.
import { defineHandler, publish } from '../../../dist/index.js';

/** Of any connection of this thread. */
let kept;

const MISUSES = {
  // A length where bytes are meant; memory that is longer than it looks.
  'close(1000, new Float32Array(20))': (connection) => connection.close(1000, new Float32Array(20)),
  'close(1000, 20)': (connection) => connection.close(1000, 20),
  'close(1000, { length: 20 })': (connection) => connection.close(1000, { length: 20 }),
  'close(1000, null)': (connection) => connection.close(1000, null),
  'close(1005)': (connection) => connection.close(1005),
  'close(1006)': (connection) => connection.close(1006),
  'close(1004)': (connection) => connection.close(1004),
  'close(1015)': (connection) => connection.close(1015),
  'close(999)': (connection) => connection.close(999),
  'close(2999)': (connection) => connection.close(2999),
  'close(5000)': (connection) => connection.close(5000),
  'close(1000 + 65536)': (connection) => connection.close(1000 + 65536),
  'close(1000.5)': (connection) => connection.close(1000.5),
  "close('1000')": (connection) => connection.close('1000'),
  'close(null)': (connection) => connection.close(null),
  'close(NaN)': (connection) => connection.close(Number.NaN),
  "close(1000, 'x' * 124)": (connection) => connection.close(1000, 'x'.repeat(124)),
  "close(1000, 'é' * 62)": (connection) => connection.close(1000, 'é'.repeat(62)),
  'send(undefined)': (connection) => connection.send(undefined),
  'send(null)': (connection) => connection.send(null),
  'send(20)': (connection) => connection.send(20),
  'send(20n)': (connection) => connection.send(20n),
  'send(true)': (connection) => connection.send(true),
  'send({ length: 20 })': (connection) => connection.send({ length: 20 }),
  'send({ byteLength: 20, byteOffset: 0, buffer })': (connection) =>
    connection.send({ byteLength: 20, byteOffset: 0, buffer: new ArrayBuffer(20) }),
  'send([1, 2, 3])': (connection) => connection.send([1, 2, 3]),
  'send(a promise)': (connection) => connection.send(Promise.resolve('x')),
  'send(what inherits from a message)': (connection, message) => connection.send(Object.create(message)),
  'send(a view of memory that was given away)': (connection) => connection.send(givenAway(1000)),
  'send(a long view of memory that was given away)': (connection) => connection.send(givenAway(100_000)),
  'send(memory that was given away)': (connection) => connection.send(givenAway(1000).buffer),
  "publish('topic', memory that was given away)": (connection) => connection.publish('topic', givenAway(1000).buffer),
  'ping(20)': (connection) => connection.ping(20),
  'ping(126 bytes)': (connection) => connection.ping(new Uint8Array(126)),
  "ping('é' * 63)": (connection) => connection.ping('é'.repeat(63)),
  'ping(null)': (connection) => connection.ping(null),
  'subscribe(1)': (connection) => connection.subscribe(1),
  'subscribe(undefined)': (connection) => connection.subscribe(undefined),
  'unsubscribe({})': (connection) => connection.unsubscribe({}),
  'publish(1, text)': (connection) => connection.publish(1, 'x'),
  "publish('topic', 20)": (connection) => connection.publish('topic', 20),
  'publish to all of an array': () => publish('topic', [1, 2, 3]),
};

function givenAway(size) {
  const bytes = new Uint8Array(size);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

const outcome = (act) => {
  try {
    return { returned: String(act()) };
  } catch ({ name, code, message }) {
    return { name, code, message };
  }
};

export default defineHandler({
  message(connection, message) {
    if (message.isBinary) {
      connection.send(message);
      return;
    }
    const text = message.text();
    if (text === 'keep') {
      kept = message;
      connection.send('kept');
    } else if (text === 'touch') {
      const touches = {
        text: () => kept.text(),
        bytes: () => kept.bytes(),
        json: () => kept.json(),
        borrow: () => kept.borrow(),
        size: () => kept.size,
        isBinary: () => kept.isBinary,
        send: () => connection.send(kept),
        publish: () => connection.publish('topic', kept),
        publishToAll: () => publish('topic', kept),
      };
      connection.send(JSON.stringify(Object.values(touches).map(outcome)));
    } else if (text === 'after close') {
      connection.close(4000, 'enough');
      connection.publish(
        'outcomes',
        JSON.stringify({
          text: outcome(() => connection.send('x')),
          bytes: outcome(() => connection.send(new Uint8Array(100_000))),
          message: outcome(() => connection.send(message)),
          ping: outcome(() => connection.ping()),
          close: outcome(() => connection.close(4001)),
          subscribe: outcome(() => connection.subscribe('topic')),
        }),
      );
    } else if (text === 'subscribe to outcomes') {
      connection.subscribe('outcomes');
      connection.send('subscribed');
    } else {
      connection.send(JSON.stringify(outcome(() => MISUSES[text](connection, message))));
    }
  },
});

export const misuses = Object.keys(MISUSES);
