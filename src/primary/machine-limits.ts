import { totalmem } from 'node:os';
import { descriptorLimit } from '../system/descriptor.js';

/** What a timer can hold, in ms: with more, it fires at once. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** What `maxConnections` can be at most. */
export const MAX_CONNECTIONS = 2 ** 31 - 1;

/** What `maxBufferedBytes` can be: it is counted in KiB, by an int32; the least lets a message of the usual size arrive. */
export const MIN_BUFFERED_BYTES = 1024 * 1024;
export const MAX_BUFFERED_BYTES = 2 ** 40;

/** Descriptors that are not for connections that count: the threads', the log's, files of the application, clients that are refused. */
const RESERVED_DESCRIPTORS = 256;

/** Connections that may be closing at a time, as a share of those that may be open, and for each thread at least. */
const CLOSING_SHARE = 1 / 8;
const MIN_CLOSING = 16;

/** The descriptors that the process may have, less what is not for connections, and less the connections that may be closing. */
export function defaultConnections(): number {
  const limit = Math.min(descriptorLimit(), MAX_CONNECTIONS);
  const left = limit > 2 * RESERVED_DESCRIPTORS ? limit - RESERVED_DESCRIPTORS : limit / 2;
  return Math.max(1, Math.floor(left / (1 + CLOSING_SHARE)));
}

/** Connections of one thread that may be closing at a time. */
export function maxClosing(maxConnections: number, threads: number): number {
  return Math.max(MIN_CLOSING, Math.ceil((CLOSING_SHARE * maxConnections) / Math.max(1, threads)));
}

/** A quarter of the memory that the process may have: of the machine's, or of its container's. */
export function defaultBufferedBytes(): number {
  const constrained = process.constrainedMemory();
  const memory = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
  return Math.min(Math.max(Math.floor(memory / 4), MIN_BUFFERED_BYTES), MAX_BUFFERED_BYTES);
}
