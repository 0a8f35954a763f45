import type { ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ignoreError } from './upgrade-socket.js';

/** The most upgrades that wait at a time. No client needs that, because it would send its request for an upgrade too early. */
const MAX_WAITING = 64;

/**
 * Upgrades that wait until an HTTP server of the application has answered all earlier requests of their sockets. A client that has
 * pipelined its requests takes the first response for the answer to the first of them (RFC 9112 section 9.3.2), and would take a
 * 101 that comes too early for that.
 */
export class EarlierAnswers {
  readonly #timeoutMs: number;
  #waiting = 0;

  /** @param timeoutMs how long an upgrade may wait, in ms. */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** How many upgrades wait. */
  get size(): number {
    return this.#waiting;
  }

  /**
   * Runs an action when all earlier requests are answered; at once if they are. It is not run if the connection is lost meanwhile, or
   * if one of these answers ends it.
   * @param socket the socket of the request for an upgrade, as the HTTP server knows it.
   * @param onGivenUp called before the connection is destroyed because its upgrade waits for too long, or because too many others
   * wait.
   */
  after(socket: Duplex, action: () => void, onGivenUp: () => void): void {
    if (nextToAnswer(socket) === undefined) {
      start(socket, action);
      return;
    }
    socket.on('error', ignoreError); // 'close' follows; Node has removed its own listener
    const giveUp = () => {
      onGivenUp();
      socket.destroy();
    };
    if (this.#waiting >= MAX_WAITING) {
      giveUp();
      return;
    }
    let isOver = false;
    const end = () => {
      if (isOver) return;
      isOver = true;
      this.#waiting--;
      clearTimeout(timer);
      socket.off('close', end);
      socket.off('drain', passDrain);
    };
    const check = () => {
      if (isOver) return;
      const response = nextToAnswer(socket);
      if (response !== undefined) {
        response.once('close', check);
        return;
      }
      end();
      start(socket, action);
    };
    // Node tells a response that its socket has room again, but not after an upgrade has come.
    const passDrain = () => {
      const response = nextToAnswer(socket);
      if (response?.writableNeedDrain === true) response.emit('drain');
    };
    const timer = setTimeout(() => {
      end();
      giveUp();
    }, this.#timeoutMs).unref();
    this.#waiting++;
    socket.on('close', end);
    socket.on('drain', passDrain);
    check();
  }
}

/**
 * The response that an HTTP server writes to a socket now; undefined if all requests that it has read are answered. Node has no
 * public property for that. This one is in all of its versions, and sees also requests that came before anybody asked. A count of
 * 'request' events would miss these, those with `Expect`, and those of the second server that Fastify makes for `localhost`.
 */
function nextToAnswer(socket: Duplex): ServerResponse | undefined {
  return (Reflect.get(socket, '_httpMessage') as ServerResponse | null | undefined) ?? undefined;
}

function start(socket: Duplex, action: () => void): void {
  if (socket.destroyed || socket.writableEnded) {
    socket.resume(); // an earlier answer was the last one of the connection, which ends by itself
    return;
  }
  // Node may have set a timeout for idle connections, or that of the HTTP server.
  if (socket instanceof Socket) socket.setTimeout(0);
  action();
}
