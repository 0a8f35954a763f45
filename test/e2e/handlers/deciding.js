// Lets the test decide about each upgrade, sends the client what was attached to it, and echoes.
import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads';
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

const decideHere = (request) => globalThis[Symbol.for('wsloom.e2e.upgrade')](request);

/** Asks the thread of the test, by `decideUpgrades`. */
function askTest() {
  const channel = new BroadcastChannel('wsloom-e2e-upgrade');
  channel.unref();
  const waiting = new Map();
  channel.onmessage = ({ data: { answered, value, error } }) => {
    const wait = waiting.get(answered);
    if (wait === undefined) return; // it is of another thread
    waiting.delete(answered);
    if (error === undefined) wait.resolve(value);
    else wait.reject(error);
  };
  let count = 0;
  return ({ headers, ...request }) =>
    new Promise((resolve, reject) => {
      const asked = `${threadId} ${++count}`;
      waiting.set(asked, { resolve, reject });
      channel.postMessage({ asked, request: { ...request, rawHeaders: headers.raw } });
    });
}

export const upgrade = isMainThread ? decideHere : askTest();
