// Sends small and large things of every kind in one order, to the sender and to everybody else in this thread.
import { defineHandler } from '../../../dist/index.js';

const SIZES = [0, 5, 125, 126, 5000, 8191, 8192, 65_535, 65_536, 20, 300_000, 1, 70_000, 7];

const all = new Set();

/** A frame that says its place in the order and has its size. */
function numbered(i, size, kind) {
  const text = `${i}:`.padEnd(Math.max(size, 8), '.');
  if (kind === 0) return text;
  if (kind === 1) return Buffer.from(text);
  if (kind === 2) return new Uint8Array(Buffer.from(text)).buffer;
  return new DataView(new Uint8Array(Buffer.from(text)).buffer);
}

function sendSome(targets, first, count) {
  for (let i = first; i < first + count; i++) {
    for (const target of targets) target.send(numbered(i, SIZES[i % SIZES.length], i % 4));
  }
  return first + count;
}

export default defineHandler({
  open(connection) {
    all.add(connection);
  },
  close(connection) {
    all.delete(connection);
  },
  message(connection, message) {
    // Other messages are forwarded twice, with something before and after them.
    if (message.isBinary) {
      for (const target of all) target.send('in front');
      for (const target of all) {
        target.send(message);
        target.send('between');
        target.send(message);
      }
      for (const target of all) target.send('behind');
      return undefined;
    }
    const { to, mode } = message.json();
    const targets = to === 'self' ? [connection] : [...all];
    if (mode === 'callback') {
      sendSome(targets, 0, 60);
    } else if (mode === 'timers') {
      let next = 0;
      const step = () => {
        next = sendSome(targets, next, 10);
        if (next < 60) setTimeout(step, 0);
      };
      setTimeout(step, 0);
    } else {
      return (async () => {
        let next = 0;
        while (next < 60) {
          next = sendSome(targets, next, 7);
          await undefined;
          next = sendSome(targets, next, 3);
          await new Promise((resolve) => setImmediate(resolve));
        }
      })();
    }
    return undefined;
  },
});
