import { EventEmitter, once } from 'node:events';
import { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Clients } from '../../dist/opening/clients.js';
import { OpeningDeadlines } from '../../dist/opening/opening-deadlines.js';
import { Counters } from '../../dist/telemetry/counters.js';
import { IncidentLog } from '../../dist/telemetry/incident-log.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';

const LIMIT_MS = 10_000;
const CLIENT = { remoteAddress: '192.0.2.9' };

let sockets: Socket[];
let lines: string[];
/** The errors that the HTTP server was told, and their sockets. */
let errors: [unknown, Socket][];
let http: EventEmitter;
let deadlines: OpeningDeadlines;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  [sockets, lines, errors, http] = [[], [], [], new EventEmitter()];
  const clients = new Clients({ trustedProxies: [], proxyHeader: undefined });
  const incidents = new IncidentLog(new Counters(), new ThrottledLog(({ line }) => lines.push(line)));
  deadlines = new OpeningDeadlines({ limitMs: LIMIT_MS, clients, incidents });
  vi.spyOn(clients, 'peerOf').mockReturnValue(CLIENT);
  http.on('clientError', ({ code }: NodeJS.ErrnoException, socket: Socket) => errors.push([code, socket]));
  deadlines.watch(http);
});

afterEach(() => {
  vi.useRealTimers();
  for (const socket of sockets) socket.destroy();
});

function newSocket(): Socket {
  const socket = new Socket();
  sockets.push(socket);
  return socket;
}

/** A connection that speaks TLS from now on. */
function come(usedMs?: number): Socket {
  const socket = newSocket();
  deadlines.beginTls(socket, usedMs);
  return socket;
}

/** The TLS handshake of a connection is over. @returns the socket of TLS */
function succeed(plain: Socket): Socket {
  const socket = Object.assign(newSocket(), { _parent: plain });
  http.emit('secureConnection', socket);
  return socket;
}

/** A connection that an HTTP server reads from now on. */
function read(usedMs?: number): Socket {
  const socket = newSocket();
  deadlines.beginRequest(http, socket, usedMs);
  return socket;
}

const pass = (ms: number) => void vi.advanceTimersByTime(ms);

describe('a connection that is late', () => {
  it('in its TLS handshake is ended, with its client in the log', () => {
    const socket = come();
    pass(LIMIT_MS - 1);
    expect([socket.destroyed, lines]).toEqual([false, []]);
    pass(1);
    expect(socket.destroyed).toBe(true);
    expect(lines).toEqual([expect.stringMatching(/^192\.0\.2\.9: .*no handshake in time \(handshakeTimeoutMs\)$/)]);
    expect(errors).toEqual([]);
  });

  it('with its request behind TLS is answered by the HTTP server, when TLS and the request together have had the time', () => {
    const plain = come();
    pass(LIMIT_MS - 10);
    const socket = succeed(plain);
    pass(9);
    expect(errors).toEqual([]);
    pass(1);
    expect(errors).toEqual([['ERR_HTTP_REQUEST_TIMEOUT', socket]]);
    expect([socket.destroyed, plain.destroyed, lines]).toEqual([false, false, []]);
  });

  it('with its request in the clear is answered by the HTTP server', () => {
    const socket = read();
    pass(LIMIT_MS - 1);
    expect(errors).toEqual([]);
    pass(1);
    expect(errors).toEqual([['ERR_HTTP_REQUEST_TIMEOUT', socket]]);
    pass(LIMIT_MS);
    expect([errors.length, socket.destroyed]).toEqual([1, false]);
  });

  it('is late by as much earlier as it had waited before it was taken', () => {
    const [tls, inTheClear, over] = [come(3000), read(3000), come(LIMIT_MS + 1)];
    const descriptor = {};
    deadlines.begin(descriptor, 3000);
    pass(1);
    expect([over.destroyed, deadlines.leftMs(over)]).toEqual([true, 0]);
    pass(LIMIT_MS - 3002);
    expect([tls.destroyed, errors, deadlines.leftMs(descriptor)]).toEqual([false, [], 1]);
    pass(1);
    expect([tls.destroyed, errors.map(([, socket]) => socket)]).toEqual([true, [inTheClear]]);
    expect(deadlines.leftMs(descriptor)).toBe(0);
  });
});

describe('a connection is not late any more', () => {
  it.each(['request', 'checkContinue', 'checkExpectation', 'upgrade', 'connect'])('after the event %s', (event) => {
    const [socket, secure] = [read(), succeed(come())];
    pass(LIMIT_MS - 1);
    http.emit(event, { socket });
    http.emit(event, { socket: secure });
    pass(1);
    expect([errors, socket.destroyed, secure.destroyed]).toEqual([[], false, false]);
  });

  it('when it has had the answer to what is no request', () => {
    const socket = read();
    http.emit('clientError', new Error('no request'), socket);
    pass(LIMIT_MS);
    expect(errors).toEqual([[undefined, socket]]);
  });

  it('when it is closed, in TLS, behind it, or in the clear', async () => {
    const [plain, secure, inTheClear] = [come(), succeed(come()), read()];
    for (const socket of [plain, secure, inTheClear]) {
      socket.destroy();
      await once(socket, 'close');
    }
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('the hook', () => {
  it('has what is left behind TLS and the request, and nothing if that was all', () => {
    const plain = come();
    pass(4000);
    const socket = succeed(plain);
    pass(1000);
    http.emit('upgrade', { socket });
    expect(deadlines.leftMs(socket)).toBe(LIMIT_MS - 5000);
    pass(LIMIT_MS);
    expect(deadlines.leftMs(socket)).toBe(0);
  });

  it('has what is left behind a request that was read from a descriptor', () => {
    const descriptor = {};
    deadlines.begin(descriptor);
    pass(10);
    expect(deadlines.leftMs(descriptor)).toBe(LIMIT_MS - 10);
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each(['request', 'checkContinue', 'checkExpectation'])('has the whole time after the event %s', (event) => {
    const socket = succeed(come());
    pass(LIMIT_MS - 1);
    http.emit(event, { socket });
    expect(deadlines.isRunning(socket)).toBe(false);
    pass(LIMIT_MS);
    http.emit('upgrade', { socket });
    expect(deadlines.leftMs(socket)).toBe(LIMIT_MS);
  });

  it('has the whole time if the connection was not begun here', () => {
    const foreign = succeed(newSocket());
    pass(1000);
    http.emit('request', { socket: foreign });
    expect([deadlines.isRunning(foreign), deadlines.leftMs(foreign)]).toEqual([false, LIMIT_MS]);
  });
});

it('the time of a connection runs until its client has sent an ordinary request, through TLS and an upgrade', () => {
  const plain = come();
  expect(deadlines.isRunning(plain)).toBe(true);
  const socket = succeed(plain);
  http.emit('upgrade', { socket });
  expect(deadlines.isRunning(socket)).toBe(true);
});
