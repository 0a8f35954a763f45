/** A thread of the load generator: its part of the load, on command. */
import { parentPort, workerData } from 'node:worker_threads';
import { trySystemCalls } from '../system/system-calls.js';
import type { Plan } from './plan.js';
import { ThreadLoad } from './thread-load.js';
import { type FromThread, PROGRESS_MS, type ToThread } from './thread-messages.js';

const port = parentPort;
if (port === null) throw new Error('load/thread.js is started by wsloom itself');

const threadLoad = new ThreadLoad(workerData as Plan, await trySystemCalls());
const say = (message: FromThread) => port.postMessage(message);
const progress = setInterval(() => say({ type: 'progress', progress: threadLoad.progress }), PROGRESS_MS);

port.on('message', async (message: ToThread) => {
  if (message === 'abort') {
    threadLoad.abort();
    return;
  }
  const tally = await threadLoad.run();
  clearInterval(progress);
  say({ type: 'done', tally });
  port.close();
});

await threadLoad.open();
say({ type: 'open' });
