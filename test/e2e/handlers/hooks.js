// Reports each call of its hooks to the test; the path says how they behave, and in which of them.
import { BroadcastChannel } from 'node:worker_threads';
import { defineHandler } from '../../../dist/index.js';

const reports = new BroadcastChannel('wsloom-e2e');
reports.unref();

/** `/open-throws`: the hook `open` throws. Other hooks, and hooks of other paths, do nothing. */
function behave(connection, hook) {
  const [where, how] = connection.path.slice(1).split('-');
  if (where !== hook) return undefined;
  if (how === 'throws') throw new Error(`${hook} has thrown`);
  if (how === 'throwsNull') throw null;
  if (how === 'rejects') return Promise.reject(new Error(`${hook} has rejected`));
  if (how === 'rejectsLate') {
    return new Promise((_, reject) => setTimeout(() => reject(new Error(`${hook} has rejected late`)), 1));
  }
  return undefined;
}

function report(hook, { id, path }, more = {}) {
  reports.postMessage({ hook, id, path, ...more });
}

export default defineHandler({
  open(connection) {
    report('open', connection);
    if (connection.path === '/drain-throws' || connection.path === '/drain-rejects') {
      while (connection.send(new Uint8Array(256 * 1024)));
    }
    if (connection.path === '/open-closes') connection.close(4001, 'not today');
    if (connection.path === '/open-terminates') connection.terminate();
    return behave(connection, 'open');
  },
  message(connection, message) {
    const text = message.text();
    report('message', connection, { text });
    const behaviour = behave(connection, 'message');
    if (text === 'close') connection.close(4002, 'as you wish');
    else if (text === 'terminate') connection.terminate();
    else connection.send(text);
    return behaviour;
  },
  drain(connection) {
    report('drain', connection);
    return behave(connection, 'drain');
  },
  close(connection, code, reason) {
    // None of these calls may do anything or throw now.
    const sent = connection.send('too late');
    connection.subscribe('closed');
    connection.publish('closed', 'too late');
    connection.close();
    connection.terminate();
    const { isOpen, bufferedAmount } = connection;
    report('close', connection, { code, reason, value: { sent, isOpen, bufferedAmount } });
    return behave(connection, 'close');
  },
});
