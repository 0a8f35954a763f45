import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { isMainThread } from 'node:worker_threads';

/** Descriptor of standard error. */
const STDERR = 2;

/** What may wait for a reader that takes nothing, in bytes. Lines beyond it are dropped, and counted. */
const MAX_QUEUED_BYTES = 64 * 1024;

/** How often what waits is tried again, in ms. */
const RETRY_MS = 100;

interface Sink {
  readonly queuedBytes: number;
  write(text: string): void;
}

/**
 * Standard error as a server may use it: a write neither throws nor waits, and nothing that becomes of it (its reader is gone,
 * its disk is full, its reader is stopped) is an error of the process.
 */
export class StandardError {
  #sink: Sink | undefined;
  #dropped = 0;

  write(text: string): void {
    try {
      this.#sink ??= chooseSink();
      if (this.#sink.queuedBytes > MAX_QUEUED_BYTES) {
        this.#dropped++;
        return;
      }
      const dropped = this.#dropped;
      this.#dropped = 0;
      const notice = dropped === 0 ? '' : `wsloom: warning: ${dropped} reports were dropped: nobody read them\n`;
      this.#sink.write(notice + text);
    } catch {
      // This was the place to report it.
    }
  }
}

/**
 * Node's stream, which others may have redirected, wherever it does not wait. It does wait for a terminal. And in a worker
 * thread its errors are thrown in the main thread, out of reach: there it is a way of our own.
 */
function chooseSink(): Sink {
  const isTerminal = isatty(STDERR);
  if ((isMainThread && !isTerminal) || process.platform === 'win32') return new StreamSink(process.stderr);
  const stats = fstatSync(STDERR);
  if (stats.isSocket() || (stats.isFIFO() && process.platform !== 'linux')) {
    // Closing it would not close the descriptor: libuv leaves those of standard streams alone.
    return new StreamSink(new Socket({ fd: STDERR, readable: false, writable: true }).unref());
  }
  return new DescriptorSink(stats.isFile() ? STDERR : openWithoutWaiting());
}

/** Standard error as a descriptor of our own that does not wait: the flag belongs to an opening, and other processes share the first. */
function openWithoutWaiting(): number {
  try {
    return openSync(`/proc/self/fd/${STDERR}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return STDERR; // it belongs to somebody else, or this is not Linux: it may wait
  }
}

class StreamSink implements Sink {
  readonly #stream: Writable;

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  get queuedBytes(): number {
    return this.#stream.writableLength;
  }

  write(text: string): void {
    ignoreErrors(this.#stream);
    this.#stream.write(text);
  }
}

/** Streams whose errors are ignored now. */
const ignored = new Set<Writable>();

/**
 * Keeps the errors of a stream from the process as long as what is written to it now may fail; otherwise they are the
 * application's. To be called before it is written to, by whomever.
 */
export function ignoreErrors(stream: Writable): void {
  if (ignored.has(stream)) return;
  ignored.add(stream);
  // Each thread's output is piped there, and Node lets ten listeners pass without a warning: so it does for its pipes, too.
  const maxListeners = stream.getMaxListeners();
  stream.setMaxListeners(0);
  stream.on('error', ignore);
  stream.setMaxListeners(maxListeners);
  const release = () => {
    if (stream.writableLength > 0) {
      setTimeout(release, RETRY_MS).unref();
      return;
    }
    ignored.delete(stream);
    stream.off('error', ignore);
  };
  // What fails at once is reported before the event loop goes on.
  setImmediate(release).unref();
}

/** Writes to a descriptor that does not wait, and keeps what it does not take. */
export class DescriptorSink implements Sink {
  readonly #fd: number;
  #queue: Buffer[] = [];
  #timer: NodeJS.Timeout | undefined;
  queuedBytes = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(text: string): void {
    const bytes = Buffer.from(text);
    this.#queue.push(bytes);
    this.queuedBytes += bytes.length;
    this.#flush();
  }

  #flush(): void {
    try {
      for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
        const taken = writeSync(this.#fd, first);
        this.queuedBytes -= taken;
        if (taken < first.length) this.#queue[0] = first.subarray(taken);
        else this.#queue.shift();
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') {
        this.#timer ??= setTimeout(() => {
          this.#timer = undefined;
          this.#flush();
        }, RETRY_MS).unref();
        return;
      }
      // Gone, or full: nobody can be informed.
      this.#queue = [];
      this.queuedBytes = 0;
    }
  }
}

function ignore(): void {}
