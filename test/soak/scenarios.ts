/** The behaviour of clients. A scenario is one or a few connections from beginning to end, and every answer is checked. */
import { connect } from 'node:net';
import { happened } from '../e2e/happened.js';
import { pattern, randomSize, textPattern } from '../e2e/pattern.js';
import { closePayload, closeStatus, encodeFrame, encodeHeader, encodeRequest, Opcode } from '../e2e/raw-client.js';
import { comeAndGo, type Stage, stagesOf } from '../e2e/stages.js';
import { MAX_BACKPRESSURE_BYTES, MAX_PAYLOAD_BYTES } from './limits.js';
import { Disrupted, Peer, Peers, pause, Wrong, within } from './peer.js';
import type { World } from './world.js';

export type Scenario = (world: World) => Promise<void>;

type Next = World['next'];

const below = (next: Next, limit: number) => Math.floor(next() * limit);
const anySeed = (next: Next) => below(next, 2 ** 31);

/** Each with how often it is chosen, compared to the others. */
export const SCENARIOS: readonly (readonly [weight: number, name: string, scenario: Scenario])[] = [
  [30, 'echo', echo],
  [20, 'reset at some stage', resetAtSomeStage],
  [8, 'room', room],
  [6, 'held-open message', heldOpenMessage],
  [6, 'slow reader', slowReader],
  [2, 'overfull', overfull],
  [6, 'hook that fails', failingHook],
  [6, 'close by the server', closeByServer],
  [8, 'violation', violation],
  [4, 'no WebSocket', noWebSocket],
];

/** @param scenarios what to choose from. */
export function chooseScenario(next: Next, scenarios = SCENARIOS): Scenario {
  const total = scenarios.reduce((sum, [weight]) => sum + weight, 0);
  let left = next() * total;
  for (const [weight, , scenario] of scenarios) {
    left -= weight;
    if (left < 0) return scenario;
  }
  return echo;
}

interface Sent {
  readonly payload: Buffer;
  readonly frames: Buffer;
}

/** Any message, in fragments, empty ones too. */
function anyMessage(next: Next, largestBytes: number, peer: Peer): Sent {
  const size = next() < 0.5 ? randomSize(next, 1, 2000) : randomSize(next, 1, largestBytes);
  const isText = next() < 0.3;
  const payload = isText ? textPattern(anySeed(next), size) : pattern(anySeed(next), size);
  const frames: Buffer[] = [];
  let opcode: number = isText ? Opcode.TEXT : Opcode.BINARY;
  let at = 0;
  while (next() < 0.3) {
    const end = at + below(next, payload.length - at);
    frames.push(encodeFrame(opcode, payload.subarray(at, end), { fin: false, key: anyKey(next) }));
    opcode = Opcode.CONTINUATION;
    at = end;
  }
  frames.push(encodeFrame(opcode, payload.subarray(at), { key: anyKey(next) }));
  if (next() < 0.3) peer.ping(pattern(anySeed(next), below(next, 126)));
  return { payload, frames: Buffer.concat(frames) };
}

const anyKey = (next: Next) => Array.from({ length: 4 }, () => below(next, 256));

/** Messages and their echoes, a few at a time. Ends in one of all possible ways. */
async function echo(world: World): Promise<void> {
  const { next } = world;
  const early = next() < 0.3 ? pattern(anySeed(next), 1 + below(next, 3000)) : undefined;
  using peer = await Peer.open(world, early && encodeFrame(Opcode.BINARY, early));
  const expected: Buffer[] = early === undefined ? [] : [early];
  const largestBytes = next() < 0.2 ? MAX_PAYLOAD_BYTES / 2 : 20_000;
  const messages = 1 + below(next, 12);
  for (let i = 0; i < messages; i++) {
    const { payload, frames } = anyMessage(next, largestBytes, peer);
    expected.push(payload);
    await writeInPieces(peer, frames, next);
    while (expected.length > 3) await peer.message(expected.shift() as Buffer);
  }
  if (next() < 0.15) {
    peer.reset(); // with echoes under way
    return;
  }
  for (const payload of expected) await peer.message(payload);
  await leave(peer, world);
}

async function leave(peer: Peer, { next }: World): Promise<void> {
  const way = next();
  if (way < 0.2) {
    const frame = encodeFrame(Opcode.BINARY, pattern(anySeed(next), randomSize(next, 100, 300_000)));
    peer.client.socket.write(frame.subarray(0, below(next, frame.length)));
    await pause(next() * 5);
    peer.reset();
  } else if (way < 0.3) {
    peer.client.socket.end();
    await within(peer.client.closed, 'the end after FIN');
  } else {
    await peer.close(next() < 0.5 ? 1000 : 3000 + below(next, 2000));
  }
}

/** Cut anywhere, with turns of the event loop between the pieces. */
async function writeInPieces(peer: Peer, bytes: Buffer, next: Next): Promise<void> {
  const { socket } = peer.client;
  for (let at = 0; at < bytes.length && !socket.destroyed; ) {
    const end = Math.min(bytes.length, at + randomSize(next, 1, 400_000));
    socket.write(bytes.subarray(at, end));
    at = end;
    if (next() < 0.5) await new Promise((resolve) => setImmediate(resolve));
  }
}

const STAGES = stagesOf('/');

async function resetAtSomeStage({ target, tally, next }: World): Promise<void> {
  const stage = STAGES[below(next, STAGES.length)] as Stage; // within its length
  const resets = next() < 0.7;
  tally.connections++;
  if (resets) tally.resets++;
  await comeAndGo(target.port, stage, resets, within);
}

let rooms = 0;

/** All members of a room get every publication, in order. */
async function room(world: World): Promise<void> {
  const { next, tally } = world;
  const name = `room-${rooms++}`;
  using members = new Peers();
  const count = 2 + below(next, 4);
  for (let i = 0; i < count; i++) {
    const peer = await members.open(world);
    peer.client.text(`!join ${name}`);
    await peer.message(Buffer.from('joined'));
  }
  const peers = members.all;
  for (let round = 0; round < 3; round++) {
    const publisher = peers[below(next, peers.length)] as Peer; // within its length
    const said = Array.from({ length: 1 + below(next, 8) }, () => {
      const seed = anySeed(next);
      const size = randomSize(next, 1, 20_000);
      publisher.client.text(`!say ${name} ${seed} ${size}`);
      return pattern(seed, size);
    });
    for (const peer of peers) {
      // If a member is gone, its publisher may be gone too, with its publications.
      for (const payload of said) await Promise.race([peer.message(payload, false), members.lost()]);
    }
    tally.publications += said.length * peers.length;
  }
  for (const peer of peers) await leave(peer, world);
}

/** A message that begins, and goes on much later or never. */
async function heldOpenMessage(world: World): Promise<void> {
  const { next } = world;
  using peer = await Peer.open(world);
  const payload = pattern(anySeed(next), randomSize(next, 2, 500_000));
  const cut = 1 + below(next, payload.length - 1);
  peer.client.frame(Opcode.BINARY, payload.subarray(0, cut), { fin: false });
  await pause(200 + next() * 3000);
  if (next() < 0.4) {
    peer.reset();
    return;
  }
  const rest = encodeFrame(Opcode.CONTINUATION, payload.subarray(cut));
  const part = below(next, rest.length);
  peer.client.socket.write(rest.subarray(0, part));
  await pause(next() * 1000);
  peer.client.socket.write(rest.subarray(part));
  await peer.message(payload);
  await leave(peer, world);
}

/** Reads slowly. */
async function slowReader(world: World): Promise<void> {
  const { next } = world;
  using peer = await Peer.open(world);
  const seed = anySeed(next) >>> 1;
  const size = randomSize(next, 1000, 60_000);
  const count = 1 + below(next, 40);
  const { socket } = peer.client;
  const throttle = setInterval(() => {
    socket.pause();
    setTimeout(() => socket.resume(), next() * 80);
  }, 100);
  try {
    peer.client.text(`!bulk ${count} ${seed} ${size}`);
    for (let i = 0; i < count; i++) await peer.message(pattern(seed + i, size), false);
    await leave(peer, world);
  } finally {
    clearInterval(throttle);
    socket.resume();
  }
}

/** Does not read until too much is queued. Then it gets the beginning of the queue, and 1013. */
async function overfull(world: World): Promise<void> {
  const { next, tally } = world;
  using peer = await Peer.open(world);
  const seed = anySeed(next) >>> 1;
  const size = 256 * 1024;
  const { socket } = peer.client;
  socket.pause();
  tally.asked.slowConsumers++;
  // More than the limit and the buffers of both sockets together.
  peer.client.text(`!bulk ${(MAX_BACKPRESSURE_BYTES / size) * 8} ${seed} ${size}`);
  await pause(300 + next() * 1000);
  socket.resume();
  for (let i = 0; ; i++) {
    const frame = await peer.frame();
    if (frame.opcode === Opcode.CLOSE) {
      if (closeStatus(frame).code !== 1013) throw peer.unexpectedClose(frame, 1013);
      tally.confirmed.slowConsumers++;
      await peer.finish(frame);
      return;
    }
    peer.expect(frame, pattern(seed + i, size));
  }
}

async function failingHook(world: World): Promise<void> {
  const { next, tally } = world;
  using peer = await Peer.open(world);
  tally.asked.handlerErrors++;
  peer.client.text(next() < 0.5 ? '!throw' : '!reject');
  await peer.closed(1011);
  tally.confirmed.handlerErrors++;
}

async function closeByServer(world: World): Promise<void> {
  using peer = await Peer.open(world);
  peer.client.text('!close 4321 bye');
  await peer.closed(4321);
}

/** Frames that a client must not send, and the close code for them. */
const VIOLATIONS: readonly (readonly [sent: Buffer, code: number])[] = [
  [Buffer.from('f280', 'hex'), 1002],
  [Buffer.from('8201', 'hex'), 1002],
  [Buffer.from('8080', 'hex'), 1002],
  [encodeFrame(Opcode.CLOSE, Buffer.from([3])), 1002],
  [encodeFrame(Opcode.CLOSE, Buffer.from([3, 237])), 1002],
  [encodeFrame(Opcode.TEXT, Buffer.from([0x61, 0xed, 0xa0, 0x80])), 1007],
  [encodeFrame(Opcode.CLOSE, Buffer.concat([Buffer.from(closePayload(1000)), Buffer.from([0xff])])), 1007],
  [encodeHeader(0x82, MAX_PAYLOAD_BYTES + 1), 1009],
];

async function violation(world: World): Promise<void> {
  const { next, tally } = world;
  using peer = await Peer.open(world);
  const echoed = pattern(anySeed(next), 1 + below(next, 5000));
  if (next() < 0.5) {
    peer.client.frame(Opcode.BINARY, echoed);
    await peer.message(echoed);
  }
  const [sent, code] = VIOLATIONS[below(next, VIOLATIONS.length)] as (typeof VIOLATIONS)[number]; // within its length
  // A header with a length is masked, so that the length is its only error.
  tally.asked.protocolErrors++;
  peer.client.socket.write(sent[1] === 0xff ? maskedHeader(sent) : sent);
  await peer.closed(code);
  tally.confirmed.protocolErrors++;
}

const maskedHeader = (header: Buffer) => Buffer.concat([header, Buffer.alloc(4)]);

/** Ordinary requests, and invalid handshakes. */
async function noWebSocket({ target, next }: World): Promise<void> {
  if (next() < 0.5) {
    const response = await fetch(`http://127.0.0.1:${target.port}/healthz`);
    await response.text();
    if (response.status === 200) return;
    if (response.status === 503 && (target.crashes.begun > 0 || target.reloads.begun > 0)) return;
    throw new Wrong('healthz', String(response.status));
  }
  const socket = connect({ port: target.port, host: '127.0.0.1' });
  socket.on('error', () => {}); // 'close' follows
  const closed = happened(socket, 'close');
  let answer = '';
  socket.on('data', (read) => {
    answer += read.toString('latin1');
  });
  socket.write(encodeRequest('/').replace('Sec-WebSocket-Version: 13', 'Sec-WebSocket-Version: 12'));
  await within(closed, 'close');
  if (!/^HTTP\/1\.1 (426|503) /.test(answer)) throw new Wrong('refused', answer.slice(0, 60));
}

/** Ends a worker by a message that crashes it. */
export async function crash(world: World): Promise<void> {
  using peer = await Peer.open(world);
  world.tally.crashes++;
  peer.client.text('!crash');
  await within(Promise.race([peer.client.ended, peer.client.closed]), 'a crash');
}

/** The heap of each thread of a server after a collection, in bytes. */
export async function heaps(world: World): Promise<readonly number[]> {
  using peers = new Peers();
  const byThread = new Map<string, number>();
  for (let i = 0; i < 6; i++) {
    const peer = await peers.open(world);
    peer.client.text('!heap');
    const [thread = '', bytes] = String((await peer.frame()).payload).split(' ');
    byThread.set(thread, Number(bytes));
  }
  for (const peer of peers.all) await peer.close(1000);
  return [...byThread.values()];
}

/** Runs a scenario. An error is counted and does not end the load. */
export async function attempt(scenario: Scenario, world: World): Promise<void> {
  try {
    await scenario(world);
  } catch (error) {
    if (error instanceof Disrupted) world.tally.disrupted++;
    else if (error instanceof Wrong) world.tally.error(error.kind, `${scenario.name}: ${error.message}`);
    else world.tally.error('other', `${scenario.name}: ${(error as Error).stack}`);
  }
}
