import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { isMainThread } from 'node:worker_threads';

/** Descriptor of standard error. */
const STDERR = 2;

/** The bytes that may wait for a reader that takes nothing. Lines beyond it are dropped, and counted. */
const MAX_QUEUED_BYTES = 64 * 1024;

/** How often waiting lines are tried again, in ms. */
const RETRY_MS = 100;

interface Sink {
  readonly queuedBytes: number;
  write(text: string): void;
}

/**
 * Standard error as a server may use it: a write neither throws nor waits. When its reader is gone or stopped, or its disk is full, that
 * is no error of the process.
 */
export class StandardError {
  #sink: Sink | undefined;
  #dropped = 0;
  readonly #lineOfDropped: (dropped: number) => string;

  /** @param lineOfDropped the line, with its line break, which says how many reports were dropped. */
  constructor(lineOfDropped = (dropped: number) => `wsloom: warning: ${droppedInWords(dropped)}\n`) {
    this.#lineOfDropped = lineOfDropped;
  }

  write(text: string): void {
    try {
      this.#sink ??= chooseSink();
      if (this.#sink.queuedBytes > MAX_QUEUED_BYTES) {
        this.#dropped++;
        return;
      }
      const dropped = this.#dropped;
      this.#dropped = 0;
      const notice = dropped === 0 ? '' : this.#lineOfDropped(dropped);
      this.#sink.write(notice + text);
    } catch {
      // Standard error is where this would be reported.
    }
  }
}

/** What is said about reports that standard error did not take. */
export function droppedInWords(dropped: number): string {
  return `${dropped} reports were dropped: nobody read them`;
}

/**
 * Chooses Node's stream, which the application may have redirected, wherever that does not wait. It does wait for a terminal. In a worker
 * thread its errors are thrown in the main thread, out of reach. In these two cases we write to the descriptor ourselves.
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

/** Opens standard error again, as a descriptor that does not wait: other processes share the first one, and its flags with it. */
function openWithoutWaiting(): number {
  try {
    return openSync(`/proc/self/fd/${STDERR}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return STDERR; // it belongs to another user, or this is not Linux: writing may wait
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

/** The streams whose errors are ignored now. */
const ignored = new Set<Writable>();

/**
 * Ignores the errors of a stream as long as what is written to it now may fail; later errors are the application's. To be called before
 * every write.
 */
export function ignoreErrors(stream: Writable): void {
  if (ignored.has(stream)) return;
  ignored.add(stream);
  // The output of each thread is piped there. Node warns from eleven listeners on, and this one must not count among them.
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

/** Writes to a descriptor that does not wait, and keeps the bytes that the descriptor does not take. */
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
      // The reader is gone, or the disk is full: there is nobody to report it to.
      this.#queue = [];
      this.queuedBytes = 0;
    }
  }
}

function ignore(): void {}
