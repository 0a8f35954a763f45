// Ends its thread at the instant that the test has asked for, once.
import { getEnvironmentData } from 'node:worker_threads';
import { defineHandler } from '../../../dist/index.js';

const asked = new Int32Array(getEnvironmentData('wsloom.e2e.dying'));

/** The test's names of instants, in their order. */
const TAKEN = 1;
const IN_SOCKET = 2;
const SETTLED = 3;
const OPEN = 4;
const THROWN = 5;
const OUT_OF_MEMORY = 6;

const { compareExchange, store } = Atomics;
const isAsked = (instant) => compareExchange(asked, 0, instant, 0) === instant;

function dieAt(instant) {
  if (isAsked(instant)) process.exit(1);
}

/** Of the hand-offs, as Ownership has it. */
const isSlots = (cells) => cells instanceof Int32Array && cells.length === 4096;

Atomics.compareExchange = (cells, place, expected, replacement) => {
  const found = compareExchange(cells, place, expected, replacement);
  if (isSlots(cells) && replacement === 2 && found === expected) dieAt(TAKEN);
  return found;
};

Atomics.store = (cells, place, value) => {
  const isSettling = isSlots(cells) && value === 3;
  if (isSettling) dieAt(IN_SOCKET);
  const stored = store(cells, place, value);
  if (isSettling) dieAt(SETTLED);
  return stored;
};

export default defineHandler({
  open() {
    dieAt(OPEN);
    if (isAsked(OUT_OF_MEMORY)) for (const all = []; ; ) all.push(new Array(1e5).fill(all.length + 0.5));
    if (isAsked(THROWN)) {
      queueMicrotask(() => {
        throw new Error('thrown outside of hooks');
      });
    }
  },
  message(connection, message) {
    connection.send(message);
  },
});
