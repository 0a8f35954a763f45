import type { DeflateAgreement, DeflateDirection } from '../protocol/deflate/agreement.js';
import { Counter, type Counters } from '../telemetry/counters.js';

const KIB = 1024;

/**
 * The memory for the windows of all connections of a server. It can be sent to other threads.
 *
 * Memory is reserved when compression is negotiated, because a client cannot be told later that there is none. Whoever has a connection,
 * or its hand-off, has what was reserved for it too, and releases it when the connection is over. What the connections of a thread have
 * is counted by the thread, so that it can be taken back if the thread dies.
 */
export interface WindowMemory {
  /** The most that may be reserved, in bytes. */
  readonly maxBytes: number;
  /** What is reserved in all threads together: an int32, in KiB. */
  readonly reserved: SharedArrayBuffer;
}

/** Makes the memory for the windows of one server. */
export function createWindowMemory(maxBytes: number): WindowMemory {
  return { maxBytes, reserved: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT) };
}

/** What the windows of a connection may take, in bytes, in whole KiB. 0 for a connection that keeps none. */
export function windowBytes({ own, peer }: DeflateAgreement): number {
  return Math.ceil((bytesOf(own) + bytesOf(peer)) / KIB) * KIB;
}

function bytesOf({ contextTakeover, windowBits }: DeflateDirection): number {
  return contextTakeover ? 2 ** windowBits : 0;
}

/** Reserves what a connection may need. @returns false if there is not so much left, and then nothing was reserved. */
export function reserveWindows({ maxBytes, reserved }: WindowMemory, agreement: DeflateAgreement): boolean {
  const bytes = windowBytes(agreement);
  if (bytes === 0) return true;
  const sum = new Int32Array(reserved);
  const before = Atomics.add(sum, 0, bytes / KIB) * KIB;
  if (before + bytes <= maxBytes) return true;
  Atomics.sub(sum, 0, bytes / KIB);
  return false;
}

/** Releases what was reserved for a connection. @param memory undefined if the server compresses nothing. */
export function releaseWindows(memory: WindowMemory | undefined, agreement: DeflateAgreement | undefined): void {
  if (memory === undefined || agreement === undefined) return;
  const bytes = windowBytes(agreement);
  if (bytes > 0) Atomics.sub(new Int32Array(memory.reserved), 0, bytes / KIB);
}

/** Releases what the connections of a thread had that is gone. @param counters of that thread. */
export function forgetWindows(memory: WindowMemory | undefined, counters: Counters): void {
  if (memory === undefined) return;
  Atomics.sub(new Int32Array(memory.reserved), 0, counters.get(Counter.WINDOW_BYTES) / KIB);
  counters.set(Counter.WINDOW_BYTES, 0);
}
