import { closeSync } from 'node:fs';
import type { SystemCalls } from '../system/system-calls.js';

/** If more connections than this come in a millisecond, or are silent at a time, it is a storm. */
const FEW = 8;
/** Without a storm, a connection is looked at so often, in turns of the event loop that follow each other, and then taken. */
const LOOKS = 3;
/** In a storm, connections are looked at after a millisecond, or later if they are many: so many for each ms that passes. */
const STORM_MS = 1;
const CONNECTIONS_PER_MS = 500;
/** How long a connection is waited for in a storm, in ms. */
const PATIENCE_MS = 250;
/** How many are waited for at the most. */
const MOST = 8192;

export interface FirstBytesOptions {
  readonly calls: Pick<SystemCalls, 'readable'>;
  /** Whether the server still listens. If not, connections that wait are closed. */
  readonly isListening: () => boolean;
  /** How many more connections the limits allow. Those that wait do not count yet, and no more than that wait. */
  readonly room: () => number;
  /** Called with each connection, whose descriptor belongs to the callee from then on. */
  readonly take: (fd: number, remoteAddress: string | undefined) => void;
}

interface Silent {
  readonly fd: number;
  readonly remoteAddress: string | undefined;
  /** How often it was looked at. */
  looks: number;
  /** When it was accepted, by `performance.now()`. */
  readonly sinceMs: number;
}

/**
 * Waits for the first bytes of connections that were just accepted. A client sends its request behind the last packet of TCP's
 * handshake, so the request may still be on its way. A connection that is taken with its request costs a third of one whose
 * request has to be waited for by a socket of Node.
 *
 * A lone client that is slower is taken after three turns of the event loop, so that nothing of its time is lost. In a storm of
 * connections they are looked at once in a millisecond. So a worker that gets them is woken for many at once. Who is silent is
 * waited for a quarter of a second at the longest.
 */
export class FirstBytes {
  readonly #options: FirstBytesOptions;
  /** In the order in which they were accepted. */
  #silent: Silent[] = [];
  #isScheduled = false;
  /** How many have come since a moment, by `performance.now()`, and whether in the time before it was a storm. */
  #came = 0;
  #sinceMs = 0;
  #isStorm = false;

  constructor(options: FirstBytesOptions) {
    this.#options = options;
  }

  /** Takes a connection. From now on the descriptor belongs to this class. */
  add(fd: number, remoteAddress: string | undefined): void {
    const now = performance.now();
    const passedMs = now - this.#sinceMs;
    if (passedMs >= STORM_MS) {
      this.#isStorm = this.#came > FEW * passedMs;
      this.#came = 0;
      this.#sinceMs = now;
    }
    this.#came++;
    this.#silent.push({ fd, remoteAddress, looks: 0, sinceMs: now });
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#silent.length === 0) return;
    this.#isScheduled = true;
    const look = () => {
      this.#isScheduled = false;
      this.#look();
    };
    if (this.#isStorm) setTimeout(look, Math.max(STORM_MS, this.#silent.length / CONNECTIONS_PER_MS));
    else setImmediate(look);
  }

  #look(): void {
    const looked = this.#silent;
    this.#silent = [];
    const isReady = new Uint8Array(looked.length);
    const ready = this.#options.calls.readable(looked.map(({ fd }) => fd));
    for (const i of ready) isReady[i] = 1;
    if (looked.length - ready.length > FEW) this.#isStorm = true;
    const patientSinceMs = performance.now() - PATIENCE_MS;
    const most = Math.min(MOST, this.#options.room());
    let next = 0;
    try {
      while (next < looked.length) {
        const isSilent = isReady[next] === 0;
        const one = looked[next++] as Silent; // below the length
        one.looks++;
        const mayWait = this.#isStorm ? one.sinceMs > patientSinceMs : one.looks < LOOKS;
        if (isSilent && mayWait && this.#silent.length < most) this.#silent.push(one);
        else this.#take(one);
      }
    } finally {
      this.#silent.push(...looked.slice(next)); // behind one that has thrown
      this.#schedule();
    }
  }

  #take({ fd, remoteAddress }: Silent): void {
    const { isListening, take } = this.#options;
    if (isListening()) take(fd, remoteAddress);
    else closeSync(fd); // nobody else knows it
  }
}
