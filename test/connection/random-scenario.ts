import fc from 'fast-check';
import { expect } from 'vitest';
import type { Message } from '../../dist/connection/message.js';
import { publishTo } from '../../dist/connection/publish-to.js';
import { BINARY, CLOSE, clientFrame, letters, PING, pattern, serverFrames, shown, TEXT } from './frames.js';
import { type Peer, TestThread } from './thread.js';

/**
 * Random scenarios of a few connections in one thread: what clients send, what the handler does about it and what is done
 * without a message, and how much the kernels take. The model is as simple as it can be: each call appends at once to what
 * its receivers are expected to get. Pongs are judged apart, since which of them are left out depends on the queues.
 */

const TOPICS = ['news', 'sport'] as const;

/** Something that an application does; `to` is a connection, as an index that is taken modulo their number. */
type Act =
  | { readonly act: 'text' | 'binary' | 'ping'; readonly to: number; readonly size: number }
  | { readonly act: 'forward' | 'close' | 'terminate'; readonly to: number }
  | { readonly act: 'subscribe' | 'unsubscribe'; readonly to: number; readonly topic: number }
  /** By `from`, or by nobody in particular; the message that is at hand, or one of `size` bytes. */
  | {
      readonly act: 'publish';
      readonly from: number | undefined;
      readonly topic: number;
      readonly size: number | undefined;
    };

/** A message of a client, in so many fragments, and what the handler does when it comes. */
interface Sent {
  readonly isText: boolean;
  readonly size: number;
  readonly fragments: number;
  readonly acts: readonly Act[];
}

type Step =
  | { readonly step: 'message'; readonly who: number; readonly message: Sent }
  | { readonly step: 'ping'; readonly who: number; readonly size: number }
  /** So many bytes of what a client has sent arrive. */
  | { readonly step: 'arrive'; readonly who: number; readonly bytes: number }
  | { readonly step: 'turn'; readonly acts: readonly Act[] }
  | { readonly step: 'no turn'; readonly acts: readonly Act[] }
  | { readonly step: 'microtask' }
  /** From now on the kernel takes so many bytes of each write. */
  | { readonly step: 'kernel'; readonly who: number; readonly takes: number }
  | { readonly step: 'drain'; readonly who: number; readonly entries: number };

export interface Scenario {
  readonly connections: number;
  readonly poison: boolean;
  readonly highWaterMarkBytes: number;
  readonly readBytes: number;
  readonly steps: readonly Step[];
}

/** @param maxBytes the largest message. */
export function scenarios(maxSteps: number, maxBytes: number): fc.Arbitrary<Scenario> {
  const who = fc.nat({ max: 3 });
  const topic = fc.nat({ max: TOPICS.length - 1 });
  const size = fc.oneof(
    { weight: 4, arbitrary: fc.nat({ max: 200 }) },
    { weight: 1, arbitrary: fc.nat({ max: 8000 }) },
    // Written directly, from where they lie.
    { weight: 2, arbitrary: fc.integer({ min: 8192, max: 20_000 }) },
    { weight: 1, arbitrary: fc.nat({ max: maxBytes }) },
  );
  const act: fc.Arbitrary<Act> = fc.oneof(
    { weight: 5, arbitrary: fc.record({ act: fc.constant('forward' as const), to: who }) },
    { weight: 5, arbitrary: fc.record({ act: fc.constantFrom('text' as const, 'binary' as const), to: who, size }) },
    {
      weight: 5,
      arbitrary: fc.record({
        act: fc.constant('publish' as const),
        from: fc.option(who, { nil: undefined }),
        topic,
        size: fc.option(size, { nil: undefined }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ act: fc.constant('subscribe' as const), to: who, topic }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('unsubscribe' as const), to: who, topic }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('ping' as const), to: who, size: fc.nat({ max: 125 }) }) },
  );
  const rare: fc.Arbitrary<Act> = fc.record({
    act: fc.constantFrom('close' as const, 'close' as const, 'terminate' as const),
    to: who,
  });
  const acts = fc.array(fc.oneof({ weight: 40, arbitrary: act }, { weight: 1, arbitrary: rare }), { maxLength: 5 });
  const message = fc.record({ isText: fc.boolean(), size, fragments: fc.integer({ min: 1, max: 4 }), acts });
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 8, arbitrary: fc.record({ step: fc.constant('message' as const), who, message }) },
    {
      weight: 8,
      arbitrary: fc.record({ step: fc.constant('arrive' as const), who, bytes: fc.nat({ max: maxBytes }) }),
    },
    { weight: 2, arbitrary: fc.record({ step: fc.constant('ping' as const), who, size: fc.nat({ max: 125 }) }) },
    { weight: 4, arbitrary: fc.record({ step: fc.constantFrom('turn' as const, 'no turn' as const), acts }) },
    { weight: 2, arbitrary: fc.record({ step: fc.constant('microtask' as const) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        step: fc.constant('kernel' as const),
        who,
        takes: fc.oneof(fc.constantFrom(0, 1, 2 ** 31), fc.nat({ max: 20_000 })),
      }),
    },
    { weight: 4, arbitrary: fc.record({ step: fc.constant('drain' as const), who, entries: fc.nat({ max: 4 }) }) },
  );
  return fc.record({
    connections: fc.integer({ min: 1, max: 4 }),
    poison: fc.boolean(),
    highWaterMarkBytes: fc.constantFrom(64, 1000, 20_000, 1_000_000),
    readBytes: fc.oneof(fc.constant(256 * 1024), fc.integer({ min: 500, max: 40_000 })),
    steps: fc.array(step, { maxLength: maxSteps, size: 'max' }),
  });
}

/** What is expected of one connection. */
class Expected {
  readonly frames: string[] = [];
  readonly topics = new Set<number>();
  readonly pings: string[] = [];
  /** What its client has sent and the handler has not been told of. */
  readonly inbox: { readonly shown: string; readonly acts: readonly Act[] }[] = [];
  isOpen = true;
  isTerminated = false;
}

/** Plays a scenario against the connections and against the model. @throws if they differ. */
export async function play(scenario: Scenario): Promise<void> {
  await new Play(scenario).run();
}

class Play {
  readonly #scenario: Scenario;
  readonly #thread: TestThread;
  readonly #peers: Peer[] = [];
  readonly #expected: Expected[] = [];
  /** Of each client: sent and not arrived. */
  readonly #onTheWay: Buffer[] = [];
  readonly #surprises: string[] = [];
  /** Makes each payload another. */
  #seed = 0;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#thread = new TestThread({
      poison: scenario.poison,
      highWaterMarkBytes: scenario.highWaterMarkBytes,
      handler: { message: (connection, message) => this.#onMessage(connection.id - 1, message) },
    });
  }

  async run(): Promise<void> {
    const { connections, readBytes, steps } = this.#scenario;
    for (let who = 0; who < connections; who++) {
      this.#peers.push(this.#thread.connectWith((wire) => (wire.readBytes = readBytes)));
      this.#expected.push(new Expected());
      this.#onTheWay.push(Buffer.alloc(0));
    }
    for (const step of steps) await this.#take(step);
    await this.#finish();
    this.#compare();
    this.#thread.end();
  }

  async #take(step: Step): Promise<void> {
    if (step.step === 'message') this.#sendMessage(this.#index(step.who), step.message);
    else if (step.step === 'ping') this.#sendPing(this.#index(step.who), step.size);
    else if (step.step === 'arrive') this.#arrive(this.#index(step.who), step.bytes);
    else if (step.step === 'turn') this.#thread.inTurn(() => this.#perform(step.acts));
    else if (step.step === 'no turn') this.#perform(step.acts);
    else if (step.step === 'microtask') await Promise.resolve();
    else if (step.step === 'drain') this.#peer(step.who).wire.drainSome(step.entries);
    else this.#peer(step.who).wire.takes = () => step.takes;
    // A hook may have closed another connection, which then reads on.
    for (const { wire } of this.#peers) wire.pump();
  }

  #sendMessage(who: number, { isText, size, fragments, acts }: Sent): void {
    const payload = this.#payload(isText, size);
    const opcode = isText ? TEXT : BINARY;
    const step = Math.ceil(size / fragments);
    for (let i = 0; i < fragments; i++) {
      const part = payload.subarray(i * step, (i + 1) * step);
      const key = [i, who, 0xff, this.#seed & 0xff] as const;
      this.#send(who, clientFrame(i === 0 ? opcode : 0, part, { fin: i === fragments - 1, key }));
    }
    this.#expectedOf(who).inbox.push({ shown: shown(opcode, payload), acts });
  }

  #sendPing(who: number, size: number): void {
    const payload = this.#payload(false, size);
    this.#send(who, clientFrame(PING, payload));
    this.#expectedOf(who).pings.push(shown(PING, payload).replace('ping', 'pong'));
  }

  #send(who: number, frame: Buffer): void {
    this.#onTheWay[who] = Buffer.concat([this.#onTheWay[who] as Buffer, frame]);
  }

  #arrive(who: number, length: number): void {
    const bytes = this.#onTheWay[who] as Buffer;
    this.#onTheWay[who] = bytes.subarray(length);
    this.#peer(who).wire.arrive(bytes.subarray(0, length));
  }

  #onMessage(who: number, message: Message): void {
    const expected = this.#expectedOf(who);
    const next = expected.inbox.shift();
    const found = shown(message.isBinary ? BINARY : TEXT, message.borrow());
    if (!expected.isOpen) this.#surprises.push(`${who} is told of ${found} after its close`);
    if (next?.shown !== found) this.#surprises.push(`${who} is told of ${found}, not of ${next?.shown}`);
    this.#perform(next?.acts ?? [], message);
  }

  #perform(acts: readonly Act[], message?: Message): void {
    for (const act of acts) {
      if (act.act === 'publish') this.#publish(act, message);
      else this.#do(act, this.#index(act.to), message);
    }
  }

  #do(act: Exclude<Act, { act: 'publish' }>, to: number, message: Message | undefined): void {
    const { connection } = this.#peer(to);
    const expected = this.#expectedOf(to);
    if (act.act === 'text' || act.act === 'binary' || act.act === 'ping') {
      const payload = this.#payload(act.act === 'text', act.size);
      if (act.act === 'ping') connection.ping(payload);
      else connection.send(act.act === 'text' ? payload.toString('latin1') : payload);
      const opcode = { text: TEXT, binary: BINARY, ping: PING }[act.act];
      if (expected.isOpen) expected.frames.push(shown(opcode, payload));
      payload.fill(0);
    } else if (act.act === 'forward') {
      if (message === undefined) return;
      if (expected.isOpen) expected.frames.push(shown(message.isBinary ? BINARY : TEXT, message.borrow()));
      connection.send(message);
    } else if (act.act === 'subscribe') {
      connection.subscribe(TOPICS[act.topic] as string);
      if (expected.isOpen) expected.topics.add(act.topic);
    } else if (act.act === 'unsubscribe') {
      connection.unsubscribe(TOPICS[act.topic] as string);
      expected.topics.delete(act.topic);
    } else {
      if (act.act === 'close') connection.close(4000);
      else connection.terminate();
      if (act.act === 'close' && expected.isOpen)
        expected.frames.push(shown(CLOSE, Buffer.from([4000 >> 8, 4000 & 0xff])));
      if (act.act === 'terminate') expected.isTerminated = true;
      expected.isOpen = false;
      expected.topics.clear();
    }
  }

  #publish({ from, topic, size }: Extract<Act, { act: 'publish' }>, message: Message | undefined): void {
    const publisher = from === undefined ? undefined : this.#index(from);
    const text = size === undefined ? message : this.#payload(true, size).toString('latin1');
    if (text === undefined) return;
    const frame = typeof text === 'string' ? shown(TEXT, text) : shown(text.isBinary ? BINARY : TEXT, text.borrow());
    if (publisher === undefined) publishTo(this.#thread.topics, TOPICS[topic] as string, undefined, text);
    else this.#peer(publisher).connection.publish(TOPICS[topic] as string, text);
    for (const [who, { topics, frames }] of this.#expected.entries()) {
      if (topics.has(topic) && who !== publisher) frames.push(frame);
    }
  }

  /** Lets everything arrive and be taken, and all that comes of it. */
  async #finish(): Promise<void> {
    this.#thread.inTurn(() => {});
    for (const { wire } of this.#peers) wire.takes = (offered) => offered;
    for (const who of this.#peers.keys()) this.#arrive(who, Number.POSITIVE_INFINITY);
    do {
      for (const { wire } of this.#peers) wire.drain();
      await Promise.resolve();
      this.#thread.settle();
    } while (this.#peers.some(({ wire }) => wire.queuedEntries > 0 && !wire.isDestroyed));
  }

  #compare(): void {
    expect(this.#surprises).toEqual([]);
    expect(this.#thread.failures).toEqual([]);
    for (const [who, { wire, connection }] of this.#peers.entries()) {
      const expected = this.#expectedOf(who);
      const all = serverFrames(wire.output, expected.isTerminated ? 'may be cut' : 'whole');
      const isPong = (frame: string) => frame.startsWith('pong');
      const frames = all.filter((frame) => !isPong(frame));
      const pongs = all.filter(isPong);
      const name = `connection ${who}`;
      if (expected.isTerminated) {
        expect(frames, name).toEqual(expected.frames.slice(0, frames.length));
      } else {
        expect(frames, name).toEqual(expected.frames);
        expect(connection.bufferedAmount, name).toBe(0);
        expect(wire.isPaused, name).toBe(false);
        expect(wire.unreadBytes, name).toBe(0);
      }
      expectSubsequence(pongs, expected.pings);
      if (!expected.isOpen) continue;
      expect(expected.inbox, name).toEqual([]);
      expect(pongs.at(-1), name).toBe(expected.pings.at(-1));
    }
  }

  /** Of lower-case letters, or of any bytes. */
  #payload(isText: boolean, size: number): Buffer {
    const seed = ++this.#seed;
    return isText ? Buffer.from(letters(size, seed)) : pattern(size, seed);
  }

  #index(who: number): number {
    return who % this.#peers.length;
  }

  #peer(who: number): Peer {
    return this.#peers[this.#index(who)] as Peer;
  }

  #expectedOf(who: number): Expected {
    return this.#expected[who] as Expected;
  }
}

function expectSubsequence(found: readonly string[], of: readonly string[]): void {
  let at = 0;
  for (const one of found) {
    const next = of.indexOf(one, at);
    expect(next, `${one} is expected after ${of[at - 1]}`).toBeGreaterThanOrEqual(at);
    at = next + 1;
  }
}
