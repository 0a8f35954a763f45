import { totalmem } from 'node:os';
import { descriptorLimit } from '../system/descriptor.js';

/** The longest delay of a timer, in ms: a timer with a longer delay fires at once. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The greatest value of `maxConnections`. */
export const MAX_CONNECTIONS = 2 ** 31 - 1;

/**
 * The least and the greatest value of `maxBufferedBytes`. The least lets a message of the usual size arrive; the greatest fits
 * into an int32 that counts KiB.
 */
export const MIN_BUFFERED_BYTES = 1024 * 1024;
export const MAX_BUFFERED_BYTES = 2 ** 40;

/** Descriptors for everything but connections that count: threads, the log, files of the application, clients that are refused. */
const RESERVED_DESCRIPTORS = 256;

/** How many connections may be closing at a time: this share of `maxConnections`, and at least so many in each thread. */
const CLOSING_SHARE = 1 / 8;
const MIN_CLOSING = 16;

/**
 * The default of `maxConnections`: the descriptors that the process may have, less those for everything else, and less those of
 * connections that are closing.
 */
export function defaultConnections(): number {
  const limit = Math.min(descriptorLimit(), MAX_CONNECTIONS);
  const left = limit > 2 * RESERVED_DESCRIPTORS ? limit - RESERVED_DESCRIPTORS : limit / 2;
  return Math.max(1, Math.floor(left / (1 + CLOSING_SHARE)));
}

/** Descriptors that connections of clients never get where there is an admin port, so that there are some for its connections. */
const ADMIN_DESCRIPTORS = 64;

/** The first of these; of few descriptors a quarter is enough. */
export function firstAdminDescriptor(): number {
  const limit = descriptorLimit();
  return limit - Math.min(ADMIN_DESCRIPTORS, Math.ceil(limit / 4));
}

/** How many connections of one thread may be closing at a time. */
export function maxClosing(maxConnections: number, threads: number): number {
  return Math.max(MIN_CLOSING, Math.ceil((CLOSING_SHARE * maxConnections) / Math.max(1, threads)));
}

/** The default of `maxBufferedBytes`: a quarter of the memory of the machine, or of the container if that has less. */
export function defaultBufferedBytes(): number {
  return Math.min(Math.max(Math.floor(memoryBytes() / 4), MIN_BUFFERED_BYTES), MAX_BUFFERED_BYTES);
}

/**
 * The least and the greatest value of `deflate.maxMemoryBytes`. The least is enough for 16 of the largest connections; the greatest fits
 * into an int32 that counts KiB.
 */
export const MIN_WINDOW_MEMORY_BYTES = 1024 * 1024;
export const MAX_WINDOW_MEMORY_BYTES = 2 ** 40;

/** The default of `deflate.maxMemoryBytes`: an eighth of that memory. */
export function defaultWindowMemoryBytes(): number {
  return Math.min(Math.max(Math.floor(memoryBytes() / 8), MIN_WINDOW_MEMORY_BYTES), MAX_WINDOW_MEMORY_BYTES);
}

function memoryBytes(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}
