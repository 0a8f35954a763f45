// Opens connections asynchronously: `open` waits until the test lets it go on, or fail.
import { BroadcastChannel } from 'node:worker_threads';
import { defineHandler } from '../../../dist/index.js';

const reports = new BroadcastChannel('wsloom-e2e');
const orders = new BroadcastChannel('wsloom-e2e-orders');
reports.unref();

export default defineHandler({
  open({ id, path }) {
    return new Promise((resolve, reject) => {
      orders.onmessage = ({ data }) => {
        reports.postMessage({ hook: 'opened', id, path });
        if (data === 'open') resolve();
        else reject(new Error('the test has ordered this'));
        orders.onmessage = null;
        orders.unref();
      };
      orders.ref();
      reports.postMessage({ hook: 'open', id, path });
    });
  },
  message(connection, message) {
    reports.postMessage({ hook: 'message', id: connection.id, path: connection.path, text: message.text() });
    connection.send(message);
  },
  close({ id, path }, code, reason) {
    reports.postMessage({ hook: 'close', id, path, code, reason });
  },
});
