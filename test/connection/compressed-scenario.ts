import { expect } from 'vitest';
import type { DeflateDirection } from '../../dist/protocol/deflate/agreement.js';
import { BINARY, letters, PING, pattern, shown, TEXT } from './frames.js';
import { InflatingPeer, shownInflated } from './inflating-peer.js';
import { type Peer, startThread } from './thread.js';

/** A source of small numbers that are the same for the same seed. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >>> 8) % sides;
  };
}

const LENGTHS = [0, 5, 63, 64, 200, 1000, 5000, 9000, 30_000, 70_000, 200_000];

/**
 * Own messages, publications, messages that must not be compressed, some that cannot be, some that are dropped, and pings, in random
 * order, to two connections whose kernels take as much as they like. What arrives is inflated by zlib with the agreed window, and
 * compared with what was sent.
 */
export async function runScenario(seed: number, steps: number): Promise<void> {
  const roll = dice(seed);
  const own: DeflateDirection = { windowBits: 8 + roll(8), contextTakeover: roll(4) > 0 };
  const thread = startThread({
    compression: { kernel: roll(4) > 0 ? 'auto' : 'native', level: roll(2) > 0 ? 'fast' : 'small', thresholdBytes: 64 },
    deflate: { own, peer: own },
    slowConsumer: 'drop',
    maxBackpressureBytes: 250_000,
    highWaterMarkBytes: 100_000,
  });
  const texts = Array.from({ length: 8 }, (_, i) => letters(300_000, i).replace(/[f-z]/g, ' '));
  const peers = [thread.connect(), thread.connect()].map((peer) => ({ peer, expected: [] as string[] }));
  for (const { peer } of peers) peer.connection.subscribe('topic');
  const dropped = () => thread.incidents.length;

  const payload = (): string | Buffer => {
    const length = LENGTHS[roll(LENGTHS.length)] as number;
    const text = (texts[roll(8)] as string).slice(roll(100_000)).slice(0, length);
    return roll(5) === 0 ? pattern(length, roll(100)) : roll(2) === 0 ? text : Buffer.from(text);
  };
  const shownOf = (data: string | Buffer) => shown(typeof data === 'string' ? TEXT : BINARY, data);
  const send = ({ peer, expected }: { peer: Peer; expected: string[] }) => {
    const data = payload();
    const before = dropped();
    thread.inTurn(() => void peer.connection.send(data, roll(4) === 0 ? { compress: false } : undefined));
    if (dropped() === before) expected.push(shownOf(data));
  };
  /** To both, so that the next one may go to their descriptors directly. */
  const publishToAll = () => {
    const bytes = Buffer.from(payload());
    const isIdle = !thread.topics.hasPending && peers.every(({ peer }) => peer.connection.bufferedAmount === 0);
    if (!isIdle) return; // whether it is dropped could not be told by the count of incidents
    thread.inTurn(() => void thread.topics.publish('topic', undefined, 0x82, bytes, 0, bytes.length));
    for (const { expected } of peers) expected.push(shown(BINARY, bytes));
  };
  /** Large publications have left. */
  const allHaveLeft = async () => {
    while (thread.topics.hasPending) {
      await new Promise((resolve) => setImmediate(resolve));
      thread.settle();
    }
  };
  const publish = async () => {
    await allHaveLeft();
    const bytes = Buffer.from(payload());
    for (const one of peers) {
      const other = peers.find((candidate) => candidate !== one) as typeof one;
      const before = dropped();
      thread.inTurn(() => {
        thread.topics.publish('topic', other.peer.connection, 0x82, bytes, 0, bytes.length, roll(4) > 0);
      });
      await allHaveLeft(); // else the count of incidents would not tell
      if (dropped() === before) one.expected.push(shown(BINARY, bytes));
    }
  };
  for (let step = 0; step < steps; step++) {
    const one = peers[roll(2)] as (typeof peers)[number];
    const { wire, connection } = one.peer;
    const action = roll(15);
    if (action < 6) send(one);
    else if (action === 6) await publish();
    else if (action === 14) {
      connection.unsubscribe('topic');
      connection.subscribe('topic');
    } else if (action > 11) publishToAll();
    else if (action === 7) {
      const most = [0, 1000, 2 ** 30][roll(3)] as number;
      wire.takes = (offered) => Math.min(offered, most);
    } else if (action === 8) thread.inTurn(() => wire.drain());
    else if (action === 9) await new Promise((resolve) => setImmediate(resolve));
    else if (action === 10) {
      const before = dropped();
      thread.inTurn(() => void connection.ping('ping'));
      if (dropped() === before) one.expected.push(shown(PING, 'ping'));
    }
  }
  for (const { peer } of peers) peer.wire.takes = (offered) => offered;
  for (const { peer } of peers) peer.wire.drain();
  await thread.iterations();
  for (const { peer } of peers) peer.wire.drain();
  for (const { peer, expected } of peers) {
    const frames = new InflatingPeer(own).read(peer.wire.output);
    expect(shownInflated(frames)).toEqual(expected);
    expect(peer.connection.bufferedAmount).toBe(0);
  }
  expect(thread.budget.bytes).toBe(0);
}
