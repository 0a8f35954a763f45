// A worker of worker-link.test.ts: takes hand-offs up to the point that the test names, and dies.
import { Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { Ownership } from '../../dist/worker/ownership.js';

parentPort.once('message', ({ task }) => {
  const ownership = new Ownership(task.ownership);
  task.port.on('message', ({ type, offers }) => {
    if (type !== 'hand-offs') return;
    const [first, second, third] = offers;
    if (workerData.until === 'nothing') process.exit(1);
    ownership.take(first.slot);
    if (workerData.until === 'taken') process.exit(1);
    // From here on the thread closes it, however it dies.
    new Socket({ fd: first.fd });
    if (workerData.until === 'opened') process.exit(1);
    ownership.settle(first.slot);
    if (workerData.until === 'settled') process.exit(1);
    ownership.take(second.slot);
    if (workerData.until === 'out of memory') {
      const kept = [];
      for (;;) kept.push(new Array(1000).fill(Math.random()));
    }
    throw new Error(`an error outside of everything, third is ${third.slot}`);
  });
  task.port.postMessage({ type: 'ready', kernel: 'none' });
});
