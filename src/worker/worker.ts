import { receiveMessageOnPort } from 'node:worker_threads';
import { isUntouched, type OpenedHandOff, type StreamHandOff } from '../host/hand-off.js';
import { loadHandlerModule } from '../host/handler-module.js';
import { HandlerModuleError } from '../host/handler-module-error.js';
import { Host } from '../host/host.js';
import { registerPublishing } from '../host/publish.js';
import { reportsOf, ThreadPublishing } from '../host/thread-publishing.js';
import { ThreadVitals } from '../host/thread-vitals.js';
import { ArenaError } from '../memory/arena.js';
import type { MetricsFormat } from '../monitor/metrics-format.js';
import { type Health, Routes } from '../monitor/routes.js';
import { AcceptedConnections } from '../opening/accepted-connections.js';
import type { EarlyRefusal } from '../opening/places.js';
import { ThreadLedger } from '../pubsub/thread-ledger.js';
import { sharedClockMs } from '../system/shared-clock.js';
import { loadSystemCalls } from '../system/system-calls.js';
import { Counter, Counters, Distribution } from '../telemetry/counters.js';
import { errorText } from '../telemetry/error-text.js';
import { ThrottledLog } from '../telemetry/throttled-log.js';
import type { FromWorker, Offer, ToWorker, WorkerResult, WorkerTask } from './messages.js';
import { Ownership } from './ownership.js';
import { TopicReporter } from './topic-reporter.js';
import { registerTsx } from './tsx.js';

/**
 * How long a thread that drains waits for opening handshakes that it has begun, in ms, so that their clients are refused with an answer.
 * Nobody needs longer unless it does so on purpose.
 */
const OPENING_MS = 1000;

/**
 * The one task of a worker thread, which lasts as long as the thread. It hosts the connections that come through the port. It ends
 * when the primary has asked it to drain and it has drained. If the thread dies, the pool rejects the task.
 */
export default async function work(task: WorkerTask): Promise<WorkerResult> {
  const { port, options } = task;
  const post = (message: FromWorker) => port.postMessage(message);
  const log = new ThrottledLog((report) => post({ type: 'log', report }));
  const counters = new Counters(task.counters);
  const vitals = new ThreadVitals(counters);
  const ledger = new ThreadLedger(task.ledger);
  const publishing = new ThreadPublishing(options.bus, reportsOf(counters, log), ledger);
  const topicReporter = new TopicReporter((joined, left) => post({ type: 'topics', joined, left }));
  if (task.reportsTopics) publishing.topics.watchBy(topicReporter);
  const unregister = registerPublishing(publishing);
  const onNoLongerOpen = task.reportsClosed ? closedReporter(post) : () => {};
  const healths: ((health: Health) => void)[] = [];
  const metrics: ((text: string) => void)[] = [];
  /** The clients that the primary is asked about, by the ids of their connections. */
  const askedAbout = new Map<number, (refusal: EarlyRefusal | undefined) => void>();
  let host: Host;
  let opening: AcceptedConnections | undefined;
  const unhosted = (id: number, error: unknown) => {
    log.throttledError('cannot take over a socket', `cannot take over the socket of connection ${id}`, error);
    counters.add(Counter.UNHOSTED, 1);
  };
  // A connection that cannot be hosted is closed.
  const adopt = (handOff: OpenedHandOff, onSettled?: () => void) => {
    try {
      host.adopt(handOff, onSettled);
    } catch (error) {
      unhosted(handOff.info.id, error);
    }
  };
  const adoptStream = (handOff: StreamHandOff) => {
    try {
      host.adoptStream(handOff);
    } catch (error) {
      handOff.stream.destroy();
      onNoLongerOpen(handOff.info.id);
      unhosted(handOff.info.id, error);
    }
  };
  try {
    await registerTsx();
    const { handler, upgrade } = await loadHandlerModule(task.handler, { limitMs: task.startTimeoutMs });
    const calls = await loadSystemCalls();
    publishing.sendBy(calls, counters);
    if (options.compression !== undefined) publishing.compressBy(options.compression, counters);
    host = new Host({ options, handler, publishing, counters, log, onNoLongerOpen, calls });
    if (task.opening !== undefined) {
      const askHealth = () =>
        new Promise<Health>((resolve) => {
          healths.push(resolve);
          post({ type: 'health' });
        });
      const askMetrics = (format: MetricsFormat) =>
        new Promise<string>((resolve) => {
          metrics.push(resolve);
          post({ type: 'metrics', format });
        });
      const admit = (id: number, remoteAddress: string) =>
        new Promise<EarlyRefusal | undefined>((resolve) => {
          askedAbout.set(id, resolve);
          post({ type: 'client', id, remoteAddress });
        });
      opening = new AcceptedConnections({
        ...{ options: task.opening.handshake, upgrade, calls, counters, ledger, log, onEnded: onNoLongerOpen },
        host: { adopt, adoptStream },
        admit,
        routes: new Routes({ health: askHealth, metrics: askMetrics }, task.opening.routes),
        tls: task.opening.tls,
      });
    }
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
    const { slot } = offer;
    if (!ownership.take(slot)) return;
    if (isUntouched(offer)) {
      opening?.take(offer);
      ownership.settle(slot);
      return;
    }
    adopt(offer, () => ownership.settle(slot));
    ledger.noteSettled();
  };
  const drain = async (limitMs: number, spreadMs: number) => {
    opening?.drain();
    await Promise.all([host.drain(limitMs, spreadMs), opening?.settled(Math.min(limitMs, OPENING_MS))]);
    opening?.destroyAll();
  };
  const drained = new Promise<void>((resolve) => {
    const onMessage = (message: ToWorker) => {
      if (message.type === 'hand-offs') {
        const seconds = Math.max(0, sharedClockMs() - message.sinceMs) / 1000;
        counters.observe(Distribution.HAND_OFF_SECONDS, seconds, message.offers.length);
        for (const offer of message.offers) take(offer);
      } else if (message.type === 'client') {
        askedAbout.get(message.id)?.(message.refusal);
        askedAbout.delete(message.id);
      } else if (message.type === 'peer') publishing.bus.connect(message.port, new ThreadLedger(message.ledger));
      else if (message.type === 'listening') opening?.listensOn(message.host);
      else if (message.type === 'tls') opening?.useTls(message.material);
      else if (message.type === 'topics-taken') topicReporter.noteTaken();
      else if (message.type === 'backplane') host.reportBackplane(message.state);
      else if (message.type === 'health') healths.shift()?.(message.health);
      else if (message.type === 'metrics') metrics.shift()?.(message.text);
      else resolve(drain(message.limitMs, message.spreadMs));
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
  publishing.topics.flushAll();
  unregister();
  vitals.stop();
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
