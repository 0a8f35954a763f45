import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect } from 'vitest';
import { expectBytes, pattern, random, randomSize, textPattern } from './pattern.js';
import { encodeFrame, encodeRequest, type Frame, FrameParser, Opcode } from './raw-client.js';
import { handler, serve, until } from './serving.js';

export interface Load {
  readonly threads: number;
  readonly arenaBytes: number;
  readonly clients: number;
  /** Messages of each client. */
  readonly messages: number;
  readonly largestBytes: number;
  /** The seed of everything random, which also selects kernel and poison. */
  readonly seed: number;
  /** Whether the arena must be too small for what arrives at a time. */
  readonly overflows: boolean;
}

const KERNELS = ['auto', 'js', 'wasm', 'native'] as const;

/** A little more than the greatest age of the figure for the arena's use, in ms. */
export const SAMPLING_MS = 1500;

/** Messages that a client may be waiting for at a time. */
const MAX_OUTSTANDING = 4;

/**
 * Has many clients send messages of random sizes and bytes, in random fragments, cut anywhere, some of them reading
 * slowly, some resetting in the middle of a frame, and checks every byte that comes back. What one connection sent must
 * never be seen by another: the two laws on windows and slabs.
 * @param settleMs after this time all slabs must have been given back; 0 for no check.
 */
export async function expectIntact(load: Load, settleMs = 0): Promise<void> {
  const { threads, arenaBytes } = load;
  await using served = await serve({
    handler: handler('integrity.js'),
    threads,
    arenaBytes,
    highWaterMarkBytes: 256 * 1024,
    maxPayloadBytes: load.largestBytes,
    kernel: KERNELS[load.seed % KERNELS.length] as (typeof KERNELS)[number],
    poison: load.seed % 3 === 0,
  });
  const runs = Array.from({ length: load.clients }, (_, i) => runClient(served.port, load, i));
  const checked = await Promise.all(runs);
  expect(checked.every((messages) => messages > 0)).toBe(true);
  await until(() => served.server.stats().connections === 0);
  const { heapMessages, protocolErrors, handlerErrors } = served.server.stats();
  expect({ protocolErrors, handlerErrors }).toEqual({ protocolErrors: 0, handlerErrors: 0 });
  expect(heapMessages > 0).toBe(load.overflows);
  if (settleMs > 0) {
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    expect(served.server.stats().arenaBytes).toBe(0);
  }
  expect(served.log.lines).toEqual([]);
}

/** One client after the other: a reset ends one, and the next goes on with the rest. @returns how many messages were checked */
async function runClient(port: number, load: Load, index: number): Promise<number> {
  const next = random(load.seed * 1000 + index);
  const isSlow = index % 4 === 1;
  const resets = index % 4 === 2;
  let left = load.messages;
  while (left > 0) {
    const count = resets ? Math.min(left, 1 + Math.floor(next() * 5)) : left;
    await exchange(port, { count, next, isSlow, resets: resets && count < left, largestBytes: load.largestBytes });
    left -= count;
  }
  return load.messages;
}

interface Exchange {
  readonly count: number;
  readonly next: () => number;
  readonly isSlow: boolean;
  readonly resets: boolean;
  readonly largestBytes: number;
}

async function exchange(port: number, { count, next, isSlow, resets, largestBytes }: Exchange): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: next() < 0.5 });
  const lost = new Promise<never>((_, reject) => {
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the connection was lost')));
  });
  lost.catch(() => {}); // raced below; a client that resets does not wait for it
  await once(socket, 'connect');
  socket.write(encodeRequest('/'));
  const expected: Sent[] = [];
  let wake = () => {};
  let failure: unknown;
  const parser = new FrameParser((frame) => {
    try {
      if (frame.opcode !== Opcode.PONG) expectSent(frame, expected.shift());
    } catch (error) {
      failure ??= error;
    }
    wake();
  });
  readAfterHandshake(socket, parser);
  const throttle = isSlow ? slowDown(socket, next) : undefined;
  const progress = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });

  for (let i = 0; i < count; i++) {
    while (expected.length >= MAX_OUTSTANDING && failure === undefined) await Promise.race([progress(), lost]);
    const message = randomMessage(next, largestBytes);
    expected.push(message);
    await writeInPieces(socket, encodeMessage(message, next), next);
  }
  while (expected.length > 0 && failure === undefined) await Promise.race([progress(), lost]);
  clearInterval(throttle);
  if (resets) {
    const frame = encodeFrame(Opcode.BINARY, pattern(1, randomSize(next, 100, largestBytes)));
    socket.write(frame.subarray(0, Math.floor(frame.length * next())));
    await new Promise((resolve) => setImmediate(resolve));
    socket.resetAndDestroy();
  } else {
    socket.destroy();
  }
  if (failure !== undefined) throw failure;
}

interface Sent {
  readonly opcode: number;
  readonly payload: Buffer;
}

function expectSent({ opcode, payload, fin }: Frame, sent: Sent | undefined): void {
  if (sent === undefined) throw new Error(`a frame of ${payload.length} bytes that nobody asked for`);
  expectBytes(payload, sent.payload);
  if (opcode === sent.opcode && fin) return;
  // Bytes are sent as binary. Only the message itself, forwarded or published, stays a text.
  if (opcode === Opcode.BINARY && sent.opcode === Opcode.TEXT) return;
  throw new Error(`opcode ${opcode} for a message with opcode ${sent.opcode}`);
}

function randomMessage(next: () => number, largestBytes: number): Sent {
  // Some sizes fill a slab to its last byte.
  const size = next() < 0.3 ? 2 ** Math.floor(next() * Math.log2(largestBytes)) : randomSize(next, 1, largestBytes);
  const seed = Math.floor(next() * 2 ** 31);
  if (next() < 0.3) return { opcode: Opcode.TEXT, payload: textPattern(seed, size) };
  return { opcode: Opcode.BINARY, payload: pattern(seed, size) };
}

/** Sends a message in fragments, empty ones too, with pings between them. */
function encodeMessage({ opcode, payload }: Sent, next: () => number): Buffer {
  const frames: Buffer[] = [];
  let at = 0;
  let first = opcode;
  while (next() < 0.4) {
    const end = at + Math.floor((payload.length - at) * next());
    frames.push(encodeFrame(first, payload.subarray(at, end), { fin: false, key: randomKey(next) }));
    if (next() < 0.3) frames.push(encodeFrame(Opcode.PING, pattern(at, Math.floor(next() * 126))));
    first = Opcode.CONTINUATION;
    at = end;
  }
  frames.push(encodeFrame(first, payload.subarray(at), { key: randomKey(next) }));
  return Buffer.concat(frames);
}

function randomKey(next: () => number): number[] {
  return Array.from({ length: 4 }, () => Math.floor(next() * 256));
}

/** Writes bytes in pieces, with turns of the event loop between some of them, so that they arrive as they were cut. */
async function writeInPieces(socket: Socket, bytes: Buffer, next: () => number): Promise<void> {
  let at = 0;
  while (at < bytes.length && !socket.destroyed) {
    const end = Math.min(bytes.length, at + randomSize(next, 1, 1_000_000));
    socket.write(bytes.subarray(at, end));
    at = end;
    if (next() < 0.5) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Stops reading again and again, so that the server's writes are taken in part. */
function slowDown(socket: Socket, next: () => number): NodeJS.Timeout {
  return setInterval(() => {
    socket.pause();
    setTimeout(() => socket.resume(), next() * 20);
  }, 10);
}

function readAfterHandshake(socket: Socket, parser: FrameParser): void {
  let head: Buffer | undefined = Buffer.alloc(0);
  socket.on('data', (read: Buffer) => {
    if (head === undefined) {
      parser.push(read);
      return;
    }
    head = Buffer.concat([head, read]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    const rest = head.subarray(end + 4);
    head = undefined;
    parser.push(rest);
  });
}
