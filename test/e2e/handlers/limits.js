// Obeys its clients, with a list of commands in each text message, and reports what happens to its connections.
import { BroadcastChannel } from 'node:worker_threads';
import { defineHandler } from '../../../dist/index.js';

const reports = new BroadcastChannel('wsloom-e2e');
reports.unref();

function report(hook, { id, path }, more = {}) {
  reports.postMessage({ hook, id, path, ...more });
}

const COMMANDS = {
  send: (connection, text) => connection.send(text),
  /** Sends `count` messages of `size` bytes, and reports the results of `send`. */
  fill: (connection, count, size) => {
    const value = Array.from({ length: count }, (_, i) => connection.send(new Uint8Array(size).fill(i)));
    report('filled', connection, { value });
  },
  /** Sends messages of 16 KiB in each turn until `bytes` bytes wait, and go on waiting. */
  fillUpTo: (connection, bytes) => {
    let rounds = 0;
    const fill = () => {
      if (!connection.isOpen) return;
      if (connection.bufferedAmount >= bytes) rounds++;
      else rounds = 0;
      while (connection.isOpen && connection.bufferedAmount < bytes) connection.send(new Uint8Array(16 * 1024));
      if (rounds < 10) setTimeout(fill, 5);
      else report('filled', connection, { value: connection.bufferedAmount });
    };
    fill();
  },
  /** Answers after `ticks` ticks of this thread's clock, if it ticks each 10 ms: timers of the same length fire in turn. */
  awaitTicks: (connection, ticks) => {
    let fired = 0;
    const timer = setInterval(() => {
      if (++fired < ticks) return;
      clearInterval(timer);
      connection.send(`${fired} ticks`);
    }, 10);
  },
  close: (connection, ...args) => connection.close(...args),
  exit: () => process.exit(1),
};

export default defineHandler({
  message(connection, message) {
    if (message.isBinary) connection.send(message);
    else for (const [name, ...args] of message.json()) COMMANDS[name](connection, ...args);
  },
  drain(connection) {
    report('drain', connection);
  },
  close(connection, code, reason) {
    report('close', connection, { code, reason });
  },
});
