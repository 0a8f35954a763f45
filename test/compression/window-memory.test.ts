import { describe, expect, it } from 'vitest';
import {
  createWindowMemory,
  forgetWindows,
  releaseWindows,
  reserveWindows,
  type WindowMemory,
  windowBytes,
} from '../../dist/compression/window-memory.js';
import type { DeflateAgreement, DeflateDirection } from '../../dist/protocol/deflate/agreement.js';
import { Counter, Counters } from '../../dist/telemetry/counters.js';

const KIB = 1024;
const NONE: DeflateDirection = { windowBits: 15, contextTakeover: false };
const kept = (windowBits: number): DeflateDirection => ({ windowBits, contextTakeover: true });

/** What is reserved, in bytes. */
const reservedOf = ({ reserved }: WindowMemory) => Atomics.load(new Int32Array(reserved), 0) * KIB;

const EIGHT_KIB: DeflateAgreement = { own: kept(12), peer: kept(12) };

describe('the windows of a connection', () => {
  it.each([
    ['neither side keeps one', { own: NONE, peer: NONE }, 0],
    ['both are of 4 KiB', EIGHT_KIB, 8 * KIB],
    ['only its own is kept', { own: kept(12), peer: NONE }, 4 * KIB],
    ["only the client's is kept", { own: NONE, peer: kept(15) }, 32 * KIB],
    ['both are the largest', { own: kept(15), peer: kept(15) }, 64 * KIB],
    ['both are the smallest', { own: kept(8), peer: kept(9) }, KIB],
    ['they are no whole KiB', { own: kept(10), peer: kept(9) }, 2 * KIB],
  ])('take, if %s, whole KiB', (_, agreement, bytes) => {
    expect(windowBytes(agreement)).toBe(bytes);
  });

  it('are reserved up to the limit, and not a byte beyond', () => {
    const memory = createWindowMemory(20 * KIB);
    expect([EIGHT_KIB, EIGHT_KIB, EIGHT_KIB].map((one) => reserveWindows(memory, one))).toEqual([true, true, false]);
    expect(reservedOf(memory)).toBe(16 * KIB);
    expect(reserveWindows(memory, { own: kept(12), peer: kept(9) })).toBe(false);
    expect(reserveWindows(memory, { own: kept(12), peer: NONE })).toBe(true);
    expect(reserveWindows(memory, { own: kept(8), peer: NONE })).toBe(false);
    expect(reservedOf(memory)).toBe(20 * KIB);
  });

  it('need no memory where none are kept, however little is left', () => {
    const memory = createWindowMemory(8 * KIB);
    reserveWindows(memory, EIGHT_KIB);
    expect(reserveWindows(memory, { own: NONE, peer: NONE })).toBe(true);
    expect(reservedOf(memory)).toBe(8 * KIB);
  });

  it('are released as they were reserved', () => {
    const memory = createWindowMemory(1024 * KIB);
    const agreements = [EIGHT_KIB, { own: kept(8), peer: kept(9) }, { own: kept(10), peer: kept(9) }];
    for (const one of agreements) reserveWindows(memory, one);
    for (const one of agreements) releaseWindows(memory, one);
    expect(reservedOf(memory)).toBe(0);
  });

  it('of a connection that is not compressed, or of a server that compresses nothing, are nothing to release', () => {
    const memory = createWindowMemory(1024 * KIB);
    releaseWindows(memory, undefined);
    releaseWindows(memory, { own: NONE, peer: NONE });
    expect(reservedOf(memory)).toBe(0);
    releaseWindows(undefined, EIGHT_KIB);
    forgetWindows(undefined, new Counters());
  });

  it('may take up to 1 TiB together', () => {
    const memory = createWindowMemory(2 ** 40);
    const sum = new Int32Array(memory.reserved);
    Atomics.store(sum, 0, 2 ** 30 - 8);
    expect(reserveWindows(memory, EIGHT_KIB)).toBe(true);
    Atomics.store(sum, 0, 2 ** 30);
    expect(reserveWindows(memory, EIGHT_KIB)).toBe(false);
    expect(Atomics.load(sum, 0)).toBe(2 ** 30);
  });
});

describe('what the connections of a thread had', () => {
  it('is released when the thread is gone, once', () => {
    const memory = createWindowMemory(1024 * KIB);
    for (let i = 0; i < 5; i++) reserveWindows(memory, EIGHT_KIB);
    const dead = new Counters();
    dead.set(Counter.WINDOW_BYTES, 3 * 8 * KIB);
    forgetWindows(memory, dead);
    forgetWindows(memory, dead);
    expect(reservedOf(memory)).toBe(2 * 8 * KIB);
    expect(dead.get(Counter.WINDOW_BYTES)).toBe(0);
  });
});
