import type { IncomingMessage } from 'node:http';
import type { Server } from 'node:net';
import type { Duplex } from 'node:stream';
import { ConfigError } from '../options/option-error.js';
import { renderRefusal } from '../protocol/opening/handshake-response.js';
import { readTarget } from '../protocol/opening/request-target.js';
import { EarlierAnswers } from './earlier-answers.js';
import { namesWebSocket } from './http-front.js';
import { LingeringSockets } from './lingering-sockets.js';
import { offerAgain } from './offer-again.js';
import { ignoreError } from './upgrade-socket.js';

/** Takes a request for an upgrade: the arguments of an 'upgrade' event. */
export type UpgradeTaker = (request: IncomingMessage, socket: Duplex, head: Uint8Array) => void;

/** The paths of one attachment. */
export interface UpgradeClaim {
  /** From now on `take` gets the upgrades of these paths. Before, their clients get 503. */
  open(take: UpgradeTaker): void;
  /** Gives the paths back. Nothing is taken any more. */
  release(): void;
}

/** A path, or undefined for all paths that nobody else has claimed. */
type Path = string | undefined;

/** How long an upgrade that is nobody's waits until earlier requests of its socket are answered, in ms. */
const TIMEOUT_MS = 10_000;

/**
 * The paths of an HTTP server of the application on which WebSockets are accepted. All attachments of the server share one 'upgrade'
 * listener, because only who knows all of them knows that an upgrade is nobody's. Such an upgrade is answered if there is no other
 * listener. Otherwise it is left alone, because it may be that of the other listener.
 */
export class UpgradePaths {
  static readonly #ofServers = new WeakMap<Server, UpgradePaths>();

  /** The paths of an HTTP server, which are the same object in each call. */
  static of(http: Server): UpgradePaths {
    const known = UpgradePaths.#ofServers.get(http) ?? new UpgradePaths(http);
    UpgradePaths.#ofServers.set(http, known);
    return known;
  }

  readonly #http: Server;
  /** Who takes the upgrades of each path; undefined while the attachment is starting. */
  readonly #takers = new Map<Path, { take: UpgradeTaker | undefined }>();
  readonly #earlierAnswers = new EarlierAnswers(TIMEOUT_MS);
  readonly #lingering = new LingeringSockets();
  readonly #onUpgrade: UpgradeTaker = (request, socket, head) => this.#route(request, socket, head);
  #open = 0;

  private constructor(http: Server) {
    this.#http = http;
  }

  /**
   * Claims paths for one attachment.
   * @param paths undefined for all paths that no other attachment has.
   * @throws ConfigError if another attachment has one of them, or if all are claimed and somebody else listens for upgrades.
   */
  claim(paths: ReadonlySet<string> | undefined): UpgradeClaim {
    const claimed: readonly Path[] = paths === undefined ? [undefined] : [...paths];
    for (const path of claimed) {
      if (!this.#takers.has(path)) continue;
      const what = path === undefined ? 'all other paths are' : `${JSON.stringify(path)} is`;
      throw new ConfigError('path', `path must be another one: ${what} attached to this HTTP server already`);
    }
    if (paths === undefined && this.#http.listenerCount('upgrade') > (this.#open > 0 ? 1 : 0)) {
      throw new ConfigError(
        'path',
        "path must be given, because something else listens for 'upgrade' on this HTTP server too: each upgrade must have one owner",
      );
    }
    const taker: { take: UpgradeTaker | undefined } = { take: undefined };
    for (const path of claimed) this.#takers.set(path, taker);
    let isReleased = false;
    return {
      open: (take) => {
        if (isReleased) return;
        taker.take = take;
        if (this.#open++ === 0) this.#http.on('upgrade', this.#onUpgrade);
      },
      release: () => {
        if (isReleased) return;
        isReleased = true;
        for (const path of claimed) this.#takers.delete(path);
        if (taker.take !== undefined && --this.#open === 0) this.#http.off('upgrade', this.#onUpgrade);
      },
    };
  }

  #route(request: IncomingMessage, socket: Duplex, head: Uint8Array): void {
    const isWebSocket = namesWebSocket(request.headers.upgrade);
    const taker = isWebSocket ? this.#takerOf(request.url ?? '') : undefined;
    if (taker?.take !== undefined) {
      taker.take(request, socket, head);
      return;
    }
    if (taker === undefined && this.#http.listenerCount('upgrade') > 1) return;
    socket.on('error', ignoreError); // 'close' follows; Node has removed its own listener
    const answer = () => {
      if (!isWebSocket) offerAgain(this.#http, request, socket, head);
      else if (taker === undefined) this.#lingering.end(socket, NOBODYS);
      else this.#lingering.end(socket, STARTING);
    };
    this.#earlierAnswers.after(request.socket, answer, () => {});
  }

  #takerOf(target: string): { readonly take: UpgradeTaker | undefined } | undefined {
    const path = readTarget(target)?.path;
    return (path === undefined ? undefined : this.#takers.get(path)) ?? this.#takers.get(undefined);
  }
}

const NOBODYS = renderRefusal(404, { body: 'there is no WebSocket on this path\n' });
const STARTING = renderRefusal(503, { headers: { 'Retry-After': '1' }, body: 'the server is starting\n' });
