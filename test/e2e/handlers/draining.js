// Answers late: a text `later` waits for a signal of the test, a text `never` waits for ever.
import { BroadcastChannel } from 'node:worker_threads';
import { defineHandler } from '../../../dist/index.js';

const reports = new BroadcastChannel('wsloom-e2e');
const orders = new BroadcastChannel('wsloom-e2e-orders');
reports.unref();
orders.unref();

export default defineHandler({
  open({ id, path }) {
    reports.postMessage({ hook: 'open', id, path });
    return path === '/never' ? new Promise(() => {}) : undefined;
  },
  async message(connection, message) {
    const text = message.text();
    if (text === 'never') {
      connection.send('waiting');
      await new Promise(() => {});
    } else if (text === 'later') {
      connection.send('waiting');
      await new Promise((resolve) => {
        orders.ref();
        orders.onmessage = resolve;
      });
      connection.send('late answer');
    } else {
      connection.send(text);
    }
  },
  close({ id, path }, code, reason) {
    reports.postMessage({ hook: 'close', id, path, code, reason });
  },
});
