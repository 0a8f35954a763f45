// Sends a flood to a client that asks for one, echoes to the others, and reports the results of `send` and `bufferedAmount`.
import { BroadcastChannel } from 'node:worker_threads';
import { defineHandler } from '../../../dist/index.js';

const reports = new BroadcastChannel('wsloom-e2e');
reports.unref();

export default defineHandler({
  message(connection, message) {
    if (message.isBinary) {
      reports.postMessage({ hook: 'message', id: connection.id, path: connection.path, value: message.size });
      connection.send(message);
      return;
    }
    const { count, size } = message.json();
    const results = [];
    const amounts = [];
    for (let i = 0; i < count; i++) {
      const data = new Uint8Array(size).fill(i);
      new DataView(data.buffer).setUint32(0, i);
      results.push(connection.send(data));
      amounts.push(connection.bufferedAmount);
      data.fill(0xee); // the server has a copy of what was sent
    }
    const value = { results, amounts };
    reports.postMessage({ hook: 'flooded', id: connection.id, path: connection.path, value });
  },
  drain(connection) {
    const value = connection.bufferedAmount;
    reports.postMessage({ hook: 'drain', id: connection.id, path: connection.path, value });
    connection.send('drained');
  },
});
