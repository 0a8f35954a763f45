// Obeys its clients: each text message is a list of commands, which run one after the other in the callback.
import { getEnvironmentData, threadId } from 'node:worker_threads';
import { defineHandler, publish, roomToPublish } from '../../../dist/index.js';

const COMMANDS = {
  send: (connection, text) => connection.send(text),
  sendBytes: (connection, size, filler) => connection.send(new Uint8Array(size).fill(filler)),
  /** Sends bytes 1 from any kind of memory, which lie between other bytes; then overwrites the memory. */
  sendAs: (connection, kind, times) => {
    const size = 8 * times;
    const Memory = kind.startsWith('Shared') ? SharedArrayBuffer : ArrayBuffer;
    const whole = kind.endsWith('ArrayBuffer');
    const memory = new Memory(whole ? size : 3 * size);
    new Uint8Array(memory, whole ? 0 : size, size).fill(1);
    const views = {
      ArrayBuffer: () => memory,
      SharedArrayBuffer: () => memory,
      SharedUint8Array: () => new Uint8Array(memory, size, size),
      DataView: () => new DataView(memory, size, size),
      Float64Array: () => new Float64Array(memory, size, times),
      BigInt64Array: () => new BigInt64Array(memory, size, times),
      Buffer: () => Buffer.from(memory, size, size),
    };
    connection.send(views[kind]());
    new Uint8Array(memory).fill(2);
  },
  close: (connection, ...args) => connection.close(...args),
  terminate: (connection) => connection.terminate(),
  ping: (connection, payload) => connection.ping(payload),
  subscribe: (connection, topic) => connection.subscribe(topic),
  unsubscribe: (connection, topic) => connection.unsubscribe(topic),
  publish: (connection, topic, text) => connection.publish(topic, text),
  publishToAll: (_, topic, text) => publish(topic, text),
  publishBytes: (_, topic, size, filler) => publish(topic, new Uint8Array(size).fill(filler)),
  publishMany: (_, topic, count, prefix) => {
    for (let i = 0; i < count; i++) publish(topic, `${prefix}${i}`);
  },
  publishNumbered: (_, topic, number, size) => void publish(topic, `${number} `.padEnd(size, '.')),
  /** Publishes from code that no connection can be held back for. It may wait for room. */
  publishFromTimer: (connection, topic, count, size, waits) => {
    let number = 0;
    const step = async () => {
      while (number < count) {
        const hasRoom = publish(topic, `${number++} `.padEnd(size, '.'));
        if (!hasRoom && waits) await roomToPublish();
        if (number % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      connection.send('published');
    };
    setTimeout(step, 1);
  },
  /** Sends the name of this thread. */
  where: (connection) => connection.send(String(threadId)),
  isOpen: (connection) => connection.send(String(connection.isOpen)),
  /** Runs commands in a later turn. */
  later: (connection, ...commands) => {
    setTimeout(() => run(connection, commands), 1);
  },
  /** Runs commands after an await, and keeps the hook's promise pending until then. */
  afterAwait: async (connection, ...commands) => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return run(connection, commands);
  },
  /** The thread does nothing else until the test opens its gate. */
  block: (connection) => {
    connection.send('blocked');
    setImmediate(() => Atomics.wait(connection.data, 0, 0));
  },
  /** The callback itself does not return until the test opens its gate. */
  blockHere: (connection) => void Atomics.wait(connection.data, 0, 0),
  exit: () => process.exit(1),
  throwLater: () => {
    setTimeout(() => {
      throw new Error('thrown by a timer');
    }, 1);
  },
  /** Keeps a processor busy until the test opens its gate. */
  spin: (connection) => {
    while (Atomics.load(connection.data, 0) === 0);
  },
  fail: (_, message) => {
    throw new Error(message);
  },
};

function run(connection, commands) {
  let result;
  for (const [name, ...args] of commands) {
    const done = COMMANDS[name](connection, ...args);
    if (done instanceof Promise) result = done;
  }
  return result;
}

export default defineHandler({
  message(connection, message) {
    if (message.isBinary) connection.send(message);
    else return run(connection, message.json());
  },
});

/** The gate is shared memory, if the test has made one. */
export const upgrade = () => ({ data: getEnvironmentData('wsloom.e2e.gate') });
