import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { BackplaneState } from '../../dist/connection/handler.js';
import { ThreadPublishing } from '../../dist/host/thread-publishing.js';
import { Fleet } from '../../dist/primary/fleet.js';
import { engineFor } from '../../dist/pubsub/topic-spread.js';
import { Counter, Counters } from '../../dist/telemetry/counters.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';
import { type FakeAttempt, FakeBackplane, type FakeConnection, settled } from '../fleet/fake-backplane.js';
import { framesOf } from '../fleet/frames.js';
import { packed } from '../fleet/packed.js';
import { publishText } from '../pubsub/fake-subscriber.js';

const MAX_PAYLOAD_BYTES = 100_000;
const STALL_MS = 50_000;
const TIMEOUT_MS = 60_000;
/** An immediate takes a millisecond of the timers of a test, and some things take two of them. */
const TURNS_MS = 2;
/** For how long a topic that nobody is subscribed to stays subscribed to, at most. */
const LINGER_MS = 1100;
/** Longer than the first attempt after a loss is waited for. */
const RETRY_MS = 200;
/** What stands for a worker. */
const WORKER = {};

let onBackplane: (state: BackplaneState) => unknown;
let reported: BackplaneState[];
let lines: string[];
let engines: FakeBackplane[];
let counters: Counters;
let fleet: Fleet;
let publishing: ThreadPublishing;

beforeEach(async () => {
  onBackplane = () => {};
  reported = [];
  lines = [];
  engines = [new FakeBackplane(), new FakeBackplane()];
  counters = new Counters();
  fleet = new Fleet({
    options: {
      engines,
      onBackplane: (state) => onBackplane(state),
      maxBackplaneBytes: 0,
      backplaneStallMs: STALL_MS,
      backplaneTimeoutMs: TIMEOUT_MS,
      maxPayloadBytes: MAX_PAYLOAD_BYTES,
    },
    counters,
    log: new ThrottledLog(({ line }) => lines.push(line)),
    report: (state) => reported.push(state),
  });
  publishing = new ThreadPublishing(undefined, {}, undefined, fleet);
  const started = fleet.start(publishing);
  await expect.poll(() => engines.every(({ attempts }) => attempts.length === 1)).toBe(true);
  for (const engine of engines) await engine.last.accept();
  await started;
});

afterEach(async () => {
  await fleet.close(1000);
  vi.useRealTimers();
});

const connectionOf = (engine: number): FakeConnection => (engines[engine] as FakeBackplane).last.connection;

/** Some topics that an engine carries. */
const topicsOf = (engine: number): readonly string[] =>
  Array.from({ length: 20 }, (_, i) => `topic ${i}`).filter((topic) => engineFor(topic, engines.length) === engine);

/** A topic that an engine carries. */
const topicOf = (engine: number): string => topicsOf(engine)[0] as string;

/** The topics that each engine is subscribed to. */
const subscribed = (): readonly string[][] => engines.map((_, engine) => [...connectionOf(engine).subscribed].sort());

/** Publishes a message to a topic of an engine, which takes no more after it. */
function fill(engine: number): void {
  connectionOf(engine).hasRoom = false;
  publishText(publishing.topics, topicOf(engine), 'text');
  publishing.topics.flush();
}

test('the lag of a batch counts once for each of its messages', async () => {
  const lagMs = 1000;
  const [bytes] = packed(framesOf('a', 'b', 'c'), 3, { timestamp: Date.now() - lagMs });
  (engines[0] as FakeBackplane).last.events.received(topicOf(0), bytes as Uint8Array);
  await expect.poll(() => counters.get(Counter.BACKPLANE_RECEIVED)).toBe(3);
  expect(counters.get(Counter.BACKPLANE_LAG_MS)).toBeGreaterThanOrEqual(3 * lagMs);
});

test('who waits for room goes on when the last of the engines that hold publishers takes publications again', async () => {
  fill(0);
  fill(1);
  let hasRoom = false;
  void fleet.room().then(() => {
    hasRoom = true;
  });
  (engines[0] as FakeBackplane).last.events.drained();
  await settled();
  expect([fleet.holdsPublishersOf(topicOf(0)), fleet.holdsPublishersOf(topicOf(1)), hasRoom]).toEqual([
    false,
    true,
    false,
  ]);
  (engines[1] as FakeBackplane).last.events.drained();
  await settled();
  expect([fleet.holdsPublishers, hasRoom]).toEqual([false, true]);
});

test('nobody waits for room while no engine holds publishers', async () => {
  expect(fleet.holdsPublishers).toBe(false);
  await fleet.room();
});

test('nobody waits for room for longer than backplaneStallMs', async () => {
  vi.useFakeTimers();
  fill(0);
  await vi.advanceTimersByTimeAsync(STALL_MS - 1);
  expect(fleet.holdsPublishers).toBe(true);
  await vi.advanceTimersByTimeAsync(1 + TURNS_MS);
  expect(fleet.holdsPublishers).toBe(false);
});

test('an attempt to connect is given up after backplaneTimeoutMs', async () => {
  vi.useFakeTimers();
  const [engine] = engines as [FakeBackplane];
  engine.last.events.lost(new Error('gone'));
  for (let ms = 0; ms < RETRY_MS && engine.attempts.length === 1; ms++) await vi.advanceTimersByTimeAsync(1);
  const [, { signal }] = engine.attempts as [FakeAttempt, FakeAttempt];
  await vi.advanceTimersByTimeAsync(TIMEOUT_MS - 1);
  expect(signal.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(1 + TURNS_MS);
  expect(signal.aborted).toBe(true);
});

test('each engine is subscribed to all of its topics, and only to these', async () => {
  vi.useFakeTimers();
  fleet.noteTopics(WORKER, [...topicsOf(0), ...topicsOf(1)], []);
  await vi.advanceTimersByTimeAsync(TURNS_MS);
  const topics = [[...topicsOf(0)].sort(), [...topicsOf(1)].sort()];
  expect(subscribed()).toEqual(topics);
  expect(Math.min(...topics.map(({ length }) => length))).toBeGreaterThan(1);
  fleet.sample();
  expect(counters.get(Counter.BACKPLANE_SUBSCRIPTIONS)).toBe(topics.flat().length);
});

test('topics that the last subscribers in a worker have left end at their engines', async () => {
  vi.useFakeTimers();
  const [[kept = '', left = ''], [other = '']] = [topicsOf(0), topicsOf(1)];
  fleet.noteTopics(WORKER, [kept, left, other], []);
  await vi.advanceTimersByTimeAsync(TURNS_MS);
  fleet.noteTopics(WORKER, [], [left, other]);
  await vi.advanceTimersByTimeAsync(LINGER_MS);
  expect(subscribed()).toEqual([[kept], []]);
});

test('the topics of a worker that is gone end at their engines, unless another thread has subscribers of them', async () => {
  vi.useFakeTimers();
  const [[kept = '', gone = ''], [other = '']] = [topicsOf(0), topicsOf(1)];
  fleet.noteTopics(WORKER, [kept, gone, other], []);
  fleet.join(kept);
  await vi.advanceTimersByTimeAsync(TURNS_MS);
  expect(subscribed()).toEqual([[kept, gone].sort(), [other]]);
  fleet.forgetThread(WORKER);
  await vi.advanceTimersByTimeAsync(LINGER_MS);
  expect(subscribed()).toEqual([[kept], []]);
});

test('the loss of an engine is told to handlers and to onBackplane, and that its promise rejects is in the log', async () => {
  vi.useFakeTimers();
  const told: BackplaneState[] = [];
  onBackplane = async (state) => {
    told.push(state);
    throw new Error('it fails');
  };
  (engines[1] as FakeBackplane).last.events.lost(new Error('gone'));
  await settled();
  expect([reported, told]).toEqual([['lost'], ['lost']]);
  expect(lines.filter((line) => line.startsWith("onBackplane('lost') failed: Error: it fails"))).toHaveLength(1);
});
