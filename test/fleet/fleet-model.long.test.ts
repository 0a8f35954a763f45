import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Backplane, BackplaneConnection, BackplaneEvents } from '../../dist/fleet/backplane.js';
import { BackplaneSession } from '../../dist/fleet/backplane-session.js';
import { Origin } from '../../dist/fleet/envelope.js';
import { settled } from './fake-backplane.js';
import { frameOf } from './frames.js';

const TOPICS = ['a', 'b', 'c'];
const MAX_MESSAGE_BYTES = 1024;

/** An engine in memory. Its connections can be cut, and it can be out of reach. */
class MemoryEngine implements Backplane {
  readonly name = 'memory';
  isReachable = true;
  readonly #connections = new Map<BackplaneEvents, Set<string>>();

  connect(events: BackplaneEvents): Promise<BackplaneConnection> {
    if (!this.isReachable) return Promise.reject(new Error('out of reach'));
    const topics = new Set<string>();
    this.#connections.set(events, topics);
    const connection: BackplaneConnection = {
      maxMessageBytes: MAX_MESSAGE_BYTES,
      publish: (topic, bytes) => {
        const isAlive = this.#connections.has(events);
        for (const [receiver, subscribed] of this.#connections) {
          if (isAlive && subscribed.has(topic)) receiver.received(topic, bytes);
        }
        return true;
      },
      subscribe: async (added) => {
        for (const topic of added) topics.add(topic);
      },
      unsubscribe: async (removed) => {
        for (const topic of removed) topics.delete(topic);
      },
      close: async () => {
        this.#connections.delete(events);
      },
    };
    return Promise.resolve(connection);
  }

  /** Cuts one connection. */
  cut(index: number): void {
    const all = [...this.#connections.keys()];
    const events = all[index % all.length];
    if (events === undefined) return;
    this.#connections.delete(events);
    events.lost(new Error('cut'));
  }
}

/** A server: what it has published and received, by topic. */
class Member {
  readonly session: BackplaneSession;
  readonly received = new Map<string, string[]>(TOPICS.map((topic) => [topic, []]));
  readonly wanted = new Set<string>();
  published = 0;
  dropped = 0;
  refused = 0;
  isConnected = false;

  constructor(engine: Backplane, maxKeptBytes: number, random: number) {
    const options = { timeoutMs: 5000, maxKeptBytes, stallMs: 1000, maxPayloadBytes: 100_000, batch: 2 };
    this.session = new BackplaneSession(
      { backplane: engine, origin: new Origin(), random: () => random, ...options },
      {
        onPublication: ({ topic, frames, messages }) => {
          const texts = textsOf(frames);
          expect(texts).toHaveLength(messages);
          this.received.get(topic)?.push(...texts);
        },
        onRefused: (messages) => {
          this.refused += messages;
        },
        onDropped: (messages) => {
          this.dropped += messages;
        },
        onPublished: () => {},
        onReceived: () => {},
        onState: (state) => {
          this.isConnected = state === 'connected';
        },
        onTopicRefused: () => {},
        onWaiting: () => {},
        onReconnect: () => {},
        onPressure: () => {},
      },
    );
  }
}

/** The texts of frames, without the padding that makes them long. */
function textsOf(frames: Uint8Array): string[] {
  const texts: string[] = [];
  for (let rest = Buffer.from(frames); rest.length > 0; ) {
    const form = rest[1] as number;
    const at = form === 126 ? 4 : 2;
    const end = at + (form === 126 ? rest.readUInt16BE(2) : form);
    texts.push(rest.toString('latin1', at, end).trimEnd());
    rest = rest.subarray(end);
  }
  return texts;
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      member: fc.nat(2),
      topic: fc.constantFrom(...TOPICS),
      lengths: fc.array(fc.constantFrom(0, 10, 100, 900, 5000), { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('want' as const, 'unwant' as const),
      member: fc.nat(2),
      topic: fc.constantFrom(...TOPICS),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('cut' as const, 'away' as const, 'back' as const),
      member: fc.nat(2),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(3000) }) },
);

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test('publications come in order and at most once, and all of them while all are connected', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.constantFrom(0, 3000, 1_000_000),
      fc.constantFrom(0, 0.5, 0.999_999),
      async (steps, keptBytes, random) => {
        vi.clearAllTimers(); // of a run that has failed: the next one, a shorter case, may not fail because of it
        const engine = new MemoryEngine();
        const members = Array.from({ length: 3 }, () => new Member(engine, keptBytes, random));
        for (const { session } of members) void session.start();
        await settled();
        /** What each member has to get of each topic, at least, in this order among each other. */
        const owed = new Map(
          members.map((member) => [member, new Map(TOPICS.map((topic) => [topic, [] as string[]]))]),
        );
        for (const one of steps) {
          if (one.kind === 'wait') {
            await vi.advanceTimersByTimeAsync(one.ms);
            continue;
          }
          const member = members[one.member] as Member;
          if (one.kind === 'publish') {
            const texts = one.lengths.map((length) => `${one.member}:${member.published++}`.padEnd(length));
            const frames = Buffer.concat(texts.map((text) => frameOf(text)));
            if (members.every(({ isConnected }) => isConnected)) {
              for (const other of members) {
                if (other === member || !other.wanted.has(one.topic)) continue;
                owed
                  .get(other)
                  ?.get(one.topic)
                  ?.push(...texts.map((text) => text.trimEnd()));
              }
            }
            member.session.publish({ topic: one.topic, frames, messages: texts.length, mayCompress: true });
          } else if (one.kind === 'want') {
            member.wanted.add(one.topic);
            member.session.want([one.topic], []);
            await settled();
          } else if (one.kind === 'unwant') {
            member.wanted.delete(one.topic);
            member.session.want([], [one.topic]);
            await settled();
          } else if (one.kind === 'cut') {
            engine.cut(one.member);
          } else {
            engine.isReachable = one.kind === 'back';
          }
        }
        for (const [i, member] of members.entries()) {
          expect(member.refused).toBe(0);
          for (const [topic, texts] of member.received) {
            expect(new Set(texts).size).toBe(texts.length);
            expect(texts.filter((text) => text.startsWith(`${i}:`))).toEqual([]);
            for (const publisher of members.keys()) {
              const numbers = texts.map((text) => text.split(':').map(Number)).filter(([by]) => by === publisher);
              const order = numbers.map(([, number]) => number as number);
              expect(order).toEqual(order.toSorted((a, b) => a - b));
            }
            const owedTexts = owed.get(member)?.get(topic) ?? [];
            expect(texts.filter((text) => owedTexts.includes(text))).toEqual(owedTexts);
          }
        }
        for (const { session } of members) await session.close();
        expect(vi.getTimerCount()).toBe(0);
      },
    ),
  );
});
