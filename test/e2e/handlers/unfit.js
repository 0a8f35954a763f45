// Its second thread has no system calls: koffi does not load there.
import Module from 'node:module';
import { getEnvironmentData, isMainThread } from 'node:worker_threads';
import { defineHandler } from '../../../dist/index.js';

const threads = new Int32Array(getEnvironmentData('wsloom.e2e.unfit'));

if (!isMainThread && Atomics.add(threads, 0, 1) === 1) {
  const load = Module._load;
  Module._load = (name, ...others) => {
    if (name.includes('koffi')) throw new Error('no binary of koffi');
    return load(name, ...others);
  };
}

export default defineHandler({
  message(_, message) {
    if (message.text() === 'crash') process.exit(1);
  },
});
