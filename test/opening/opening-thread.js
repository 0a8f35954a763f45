// A thread of opening.long.test.ts that does all of it by itself: takes sockets, does the opening handshake on them, asks the hook, answers,
// and hosts the connections. Its sockets are those that it accepts, or untouched descriptors that it is given, for an HTTP server that
// it has made itself.
import { createServer } from 'node:http';
import { Socket } from 'node:net';
import { parentPort, threadId, workerData } from 'node:worker_threads';
import { Host } from '../../dist/host/host.js';
import { ThreadPublishing } from '../../dist/host/thread-publishing.js';
import { answer } from '../../dist/opening/answer.js';
import { Opening } from '../../dist/opening/opening.js';
import { Admission } from '../../dist/primary/admission.js';
import { loadSystemCalls } from '../../dist/system/system-calls.js';
import { Counter, Counters } from '../../dist/telemetry/counters.js';
import { IncidentLog } from '../../dist/telemetry/incident-log.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';

const { host: hostOptions, opening: openingOptions, listens, largeBytes } = workerData;

const turn = () => new Promise((resolve) => setImmediate(resolve));

const HOOK = {
  '/sync': ({ subprotocols }) => ({
    subprotocol: subprotocols[0],
    headers: { 'X-Thread': String(threadId) },
    data: { threadId },
  }),
  '/refused': () => ({ status: 418, headers: { 'X-Why': 'tea' }, body: 'a teapot\n' }),
  '/throws': () => {
    throw new Error('on purpose');
  },
  '/later': async () => {
    for (let i = 0; i < 5; i++) await turn();
    return { headers: { 'X-Thread': String(threadId) }, data: { threadId } };
  },
  '/later/refused': async () => {
    await turn();
    return { status: 401 };
  },
  '/later/throws': async () => {
    await turn();
    throw new Error('on purpose');
  },
  '/never': () => new Promise(() => {}),
  // A header of its own for each MiB.
  '/large': () => ({
    headers: Array.from({ length: Math.ceil(largeBytes / 2 ** 20) }, (_, i) => [`X-Large-${i}`, 'x'.repeat(2 ** 20)]),
  }),
};

const handler = {
  open: (connection) => {
    if (connection.data !== undefined) connection.send(JSON.stringify(connection.data));
  },
  message: (connection, message) => connection.send(message),
};

const counters = new Counters();
const lines = [];
const log = new ThrottledLog(({ line }) => lines.push(line));
const calls = await loadSystemCalls();
const places = new Admission(openingOptions);
const host = new Host({
  options: hostOptions,
  handler,
  publishing: new ThreadPublishing(),
  counters,
  log,
  onNoLongerOpen: (id) => places.leave(id),
  calls,
});
let lastId = 1000;
const opening = new Opening({
  options: openingOptions,
  destination: {
    unavailable: undefined,
    upgrade: (request) => HOOK[request.path]?.(request),
    expectOne: () => () => {},
    place: (handOff) => host.adopt(handOff),
    prepareStream: () => {},
    placeStream: (handOff) => host.adoptStream(handOff),
  },
  calls,
  places,
  nextId: () => ++lastId,
  routes: { handle: (request, response) => answer(request, response, 200, 'text/plain', `thread ${threadId}\n`) },
  incidents: new IncidentLog(counters, log),
  log,
});
for (const load of [opening.connections, opening.upgrader]) places.include(load);
places.include({
  get load() {
    return host.openConnections;
  },
});

/** An HTTP server that is not made by us, and that never listens. */
function foreignServer() {
  const foreign = createServer({ maxHeaderSize: openingOptions.maxHeaderBytes, requireHostHeader: false });
  opening.wire(foreign);
  return foreign;
}

const http = listens ? opening.createHttpServer() : foreignServer();

const ORDERS = {
  listen: () => http.listen(0, '127.0.0.1', () => parentPort.postMessage(http.address().port)),
  // What an HTTP server does with a socket that it has accepted.
  take: ({ fd }) => http.emit('connection', new Socket({ fd, allowHalfOpen: true })),
  tell: () =>
    parentPort.postMessage({
      opened: counters.get(Counter.OPENED),
      open: host.openConnections,
      pending: opening.upgrader.load,
      httpConnections: opening.connections.size,
      stalls: counters.get(Counter.STALLS),
      hookTimeouts: counters.get(Counter.HOOK_TIMEOUTS),
      refusedHosts: counters.get(Counter.REFUSED_HOSTS),
      refusedOrigins: counters.get(Counter.REFUSED_ORIGINS),
      refusedHandshakes: counters.get(Counter.REFUSED_HANDSHAKES),
      lines,
    }),
  end: async () => {
    opening.upgrader.close();
    await host.drain(100);
    http.close();
    opening.destroyAll();
    http.closeAllConnections();
    parentPort.close();
  },
};

parentPort.on('message', (order) => void ORDERS[order.type](order));
parentPort.postMessage(threadId);
