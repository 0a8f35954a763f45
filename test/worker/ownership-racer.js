// The worker of ownership.test.ts: takes every hand-off that it can, while the primary revokes them.
import { parentPort, workerData } from 'node:worker_threads';
import { Ownership } from '../../dist/worker/ownership.js';

const [OFFERED, SEEN, WON] = [0, 1, 2];
const STOP = -1;

const { slots } = workerData;
const ownership = new Ownership(workerData.ownership);
const progress = new Int32Array(workerData.progress);

/** Waits without sleeping. Otherwise the primary would always be first. */
function hasOffered(round) {
  for (;;) {
    const offered = Atomics.load(progress, OFFERED);
    if (offered === STOP || offered >= round) return offered !== STOP;
  }
}

const taken = [];
for (let round = 1; hasOffered(round); round++) {
  const won = [];
  for (let slot = 0; slot < slots; slot++) {
    const isWon = ownership.take(slot);
    if (isWon) ownership.settle(slot);
    won.push(isWon);
  }
  taken.push(won);
  Atomics.add(progress, WON, won.filter(Boolean).length);
  Atomics.store(progress, SEEN, round);
}
parentPort.postMessage(taken);
