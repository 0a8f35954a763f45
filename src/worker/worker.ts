import { receiveMessageOnPort } from 'node:worker_threads';
import { loadHandlerModule } from '../host/handler-module.js';
import { HandlerModuleError } from '../host/handler-module-error.js';
import { Host } from '../host/host.js';
import { registerPublishing } from '../host/publish.js';
import { reportsOf, ThreadPublishing } from '../host/thread-publishing.js';
import { ArenaError } from '../memory/arena.js';
import { ThreadLedger } from '../pubsub/thread-ledger.js';
import { loadSystemCalls } from '../system/system-calls.js';
import { Counter, Counters } from '../telemetry/counters.js';
import { errorText } from '../telemetry/error-text.js';
import { ThrottledLog } from '../telemetry/throttled-log.js';
import type { FromWorker, Offer, ToWorker, WorkerResult, WorkerTask } from './messages.js';
import { Ownership } from './ownership.js';
import { registerTsx } from './tsx.js';

/**
 * The one task of a worker thread, which lasts as long as the thread. It hosts the connections that come through the port. It ends
 * when the primary has asked it to drain and it has drained. If the thread dies, the pool rejects the task.
 */
export default async function work(task: WorkerTask): Promise<WorkerResult> {
  const { port, options } = task;
  const post = (message: FromWorker) => port.postMessage(message);
  const log = new ThrottledLog((report) => post({ type: 'log', report }));
  const counters = new Counters(task.counters);
  const ledger = new ThreadLedger(task.ledger);
  const publishing = new ThreadPublishing(options.bus, reportsOf(counters, log), ledger);
  const unregister = registerPublishing(publishing);
  let host: Host;
  try {
    await registerTsx();
    const { handler } = await loadHandlerModule(task.handler, { limitMs: task.startTimeoutMs });
    const onNoLongerOpen = task.reportsClosed ? closedReporter(post) : () => {};
    const calls = await loadSystemCalls();
    publishing.sendBy(calls, counters);
    host = new Host({ options, handler, publishing, counters, log, onNoLongerOpen, calls });
  } catch (error) {
    const isKnown = error instanceof HandlerModuleError || error instanceof ArenaError;
    const { code, message } = isKnown
      ? error
      : { code: 'WSLOOM_WORKER', message: `a worker could not start: ${errorText(error)}` };
    post({ type: 'unfit', code, message });
    process.exit(1); // a thread does not load a failed module again, so the next task needs another thread
  }
  const ownership = new Ownership(task.ownership);
  const take = (offer: Offer) => {
    const { slot, info } = offer;
    if (!ownership.take(slot)) return;
    try {
      host.adopt(offer, () => ownership.settle(slot));
    } catch (error) {
      const line = `cannot take over the socket of connection ${info.id}`;
      log.throttledError('cannot take over a socket', line, error);
      counters.add(Counter.UNHOSTED, 1);
    } finally {
      ledger.noteSettled();
    }
  };
  const drained = new Promise<void>((resolve) => {
    const onMessage = (message: ToWorker) => {
      if (message.type === 'hand-offs') {
        for (const offer of message.offers) take(offer);
      } else if (message.type === 'peer') publishing.bus.connect(message.port, new ThreadLedger(message.ledger));
      else resolve(host.drain(message.limitMs));
    };
    port.on('message', onMessage);
    publishing.takeHandOffs = () => {
      for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
        onMessage(next.message as ToWorker);
      }
    };
  });
  post({ type: 'ready', kernel: host.kernelName });
  await drained;
  unregister();
  log.flush();
  port.close();
  return { outcome: 'drained' };
}

/** Makes a function that reports connections that are not open any more to the primary, all of a turn in one message. */
function closedReporter(post: (message: FromWorker) => void): (id: number) => void {
  let ids: number[] = [];
  return (id) => {
    ids.push(id);
    if (ids.length > 1) return;
    setImmediate(() => {
      post({ type: 'closed', ids });
      ids = [];
    });
  };
}
