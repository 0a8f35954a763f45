/** A thread of the load generator: its part of the load, on command. */
import { parentPort, workerData } from 'node:worker_threads';
import { trySystemCalls } from '../system/system-calls.js';
import { LoadRunner } from './load-runner.js';
import type { ResolvedLoadOptions } from './resolved-load-options.js';
import { type FromThread, PROGRESS_MS, type ToThread } from './thread-messages.js';

const port = parentPort;
if (port === null) throw new Error('load/thread.js is started by wsloom itself');

const runner = new LoadRunner(workerData as ResolvedLoadOptions, await trySystemCalls());
const say = (message: FromThread) => port.postMessage(message);
const progress = setInterval(() => say({ type: 'progress', progress: runner.progress }), PROGRESS_MS);

port.on('message', async (message: ToThread) => {
  if (message === 'abort') {
    runner.abort();
    return;
  }
  const tally = await runner.run();
  clearInterval(progress);
  say({ type: 'done', tally });
  port.close();
});

await runner.open();
say({ type: 'open' });
