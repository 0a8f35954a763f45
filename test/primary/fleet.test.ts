import { afterEach, beforeEach, expect, test } from 'vitest';
import { ThreadPublishing } from '../../dist/host/thread-publishing.js';
import { Fleet } from '../../dist/primary/fleet.js';
import { engineFor } from '../../dist/pubsub/topic-spread.js';
import { Counter, Counters } from '../../dist/telemetry/counters.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';
import { FakeBackplane, type FakeConnection, settled } from '../fleet/fake-backplane.js';
import { framesOf } from '../fleet/frames.js';
import { packed } from '../fleet/packed.js';
import { publishText } from '../pubsub/fake-subscriber.js';

const MAX_PAYLOAD_BYTES = 100_000;

let engines: FakeBackplane[];
let counters: Counters;
let fleet: Fleet;
let publishing: ThreadPublishing;

beforeEach(async () => {
  engines = [new FakeBackplane(), new FakeBackplane()];
  counters = new Counters();
  fleet = new Fleet({
    options: {
      engines,
      onBackplane: undefined,
      maxBackplaneBytes: 0,
      backplaneStallMs: 60_000,
      backplaneTimeoutMs: 60_000,
      maxPayloadBytes: MAX_PAYLOAD_BYTES,
    },
    counters,
    log: new ThrottledLog(() => {}),
    report: () => {},
  });
  publishing = new ThreadPublishing(undefined, {}, undefined, fleet);
  const started = fleet.start(publishing);
  await expect.poll(() => engines.every(({ attempts }) => attempts.length === 1)).toBe(true);
  for (const engine of engines) await engine.last.accept();
  await started;
});

afterEach(async () => {
  await fleet.close(1000);
});

const connectionOf = (engine: number): FakeConnection => (engines[engine] as FakeBackplane).last.connection;

/** A topic that an engine carries. */
function topicOf(engine: number): string {
  for (let i = 0; i < 1000; i++) if (engineFor(`topic ${i}`, engines.length) === engine) return `topic ${i}`;
  throw new Error('no topic');
}

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
