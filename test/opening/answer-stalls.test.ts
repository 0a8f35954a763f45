import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type AnswerProgress, AnswerStalls } from '../../dist/opening/answer-stalls.js';
import { Clients } from '../../dist/opening/clients.js';
import { Counter, Counters } from '../../dist/telemetry/counters.js';
import { IncidentLog } from '../../dist/telemetry/incident-log.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';

const STALL_MS = 800;
const TICK_MS = STALL_MS / 8;

/** A socket of which only the output is looked at. */
class Output {
  readonly remoteAddress = '192.0.2.1';
  bytesWritten = 0;
  writableLength = 0;
  isDestroyed = false;
  /** Of TLS. */
  encrypted: boolean | undefined;
  readonly _handle = { writeQueueSize: 0 };

  /** Sends bytes, and the client has taken none of them. */
  send(bytes: number): void {
    this.bytesWritten += bytes;
    this.writableLength += bytes;
  }

  destroy(): void {
    this.isDestroyed = true;
    connections.delete(this);
  }
}

let counters: Counters;
let connections: Map<object, AnswerProgress>;
let output: Output;

/** Watches one connection. */
function watch(stallTimeoutMs = STALL_MS, encrypted?: boolean): AnswerStalls {
  const incidents = new IncidentLog(counters, new ThrottledLog(() => {}));
  const stalls = new AnswerStalls({
    ...{ connections, stallTimeoutMs, incidents, calls: undefined },
    clients: new Clients({ trustedProxies: [], proxyHeader: undefined }),
  });
  add();
  output.encrypted = encrypted;
  stalls.watch(output as unknown as Socket);
  return stalls;
}

function add(): void {
  output = new Output();
  connections.set(output, {
    socket: output as unknown as Socket,
    acknowledgedBytes: undefined,
    acknowledgedAtMs: 0,
  });
}

beforeEach(() => {
  vi.useFakeTimers();
  counters = new Counters();
  connections = new Map();
});

afterEach(() => {
  vi.useRealTimers();
});

it('a client that takes nothing of its answers is given up after the time that it has, and counted', () => {
  watch();
  vi.advanceTimersByTime(5000); // without an answer there is no limit
  output.send(1000);
  vi.advanceTimersByTime(STALL_MS + TICK_MS);
  expect(output.isDestroyed).toBe(false);
  vi.advanceTimersByTime(TICK_MS);
  expect(output.isDestroyed).toBe(true);
  expect(counters.get(Counter.STALLS)).toBe(1);
});

it('a client that takes one byte has as long again', () => {
  watch();
  output.send(1000);
  for (let i = 0; i < 10; i++) {
    vi.advanceTimersByTime(STALL_MS);
    output.writableLength--;
  }
  vi.advanceTimersByTime(STALL_MS);
  expect(output.isDestroyed).toBe(false);
  vi.advanceTimersByTime(2 * TICK_MS);
  expect(output.isDestroyed).toBe(true);
});

it('a client that has taken everything has all of its time for the next answer', () => {
  watch();
  output.send(1000);
  vi.advanceTimersByTime(STALL_MS);
  output.writableLength = 0;
  vi.advanceTimersByTime(TICK_MS);
  output.send(1000);
  vi.advanceTimersByTime(STALL_MS);
  expect(output.isDestroyed).toBe(false);
});

it('the timer runs while there are connections, and starts again for the next', () => {
  const stalls = watch();
  vi.advanceTimersByTime(TICK_MS);
  expect(vi.getTimerCount()).toBe(1);
  connections.clear();
  vi.advanceTimersByTime(TICK_MS);
  expect(vi.getTimerCount()).toBe(0);
  add();
  stalls.watch(output as unknown as Socket);
  stalls.watch(output as unknown as Socket);
  expect(vi.getTimerCount()).toBe(1);
  output.send(1000);
  vi.advanceTimersByTime(STALL_MS + 2 * TICK_MS);
  expect(output.isDestroyed).toBe(true);
});

it('no timer runs without a limit', () => {
  watch(0);
  expect(vi.getTimerCount()).toBe(0);
});

describe.each([0, STALL_MS])('answers of TLS that wait for the client, with a time of %i ms', (stallTimeoutMs) => {
  const pass = () => vi.advanceTimersByTime(1000 + TICK_MS);

  it('end its connection when they are too many, also if it takes some and nothing else waits', () => {
    watch(stallTimeoutMs, true);
    output._handle.writeQueueSize = 256 * 1024;
    pass();
    expect(output.isDestroyed).toBe(false);
    output._handle.writeQueueSize++;
    pass();
    expect(output.isDestroyed).toBe(true);
    expect(counters.get(Counter.STALLS)).toBe(1);
  });

  it('are none without TLS', () => {
    watch(stallTimeoutMs);
    output._handle.writeQueueSize = 1024 * 1024;
    pass();
    expect(output.isDestroyed).toBe(false);
  });
});
