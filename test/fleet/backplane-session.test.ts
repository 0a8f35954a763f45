import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BackplaneSession, type BackplaneSessionOptions } from '../../dist/fleet/backplane-session.js';
import { ENVELOPE_HEADER_BYTES, Origin, type Envelope, readEnvelope } from '../../dist/fleet/envelope.js';
import { FakeBackplane, type FakeConnection, settled } from './fake-backplane.js';
import { frameOf, framesOf } from './frames.js';
import { packed } from './packed.js';

const TIMEOUT_MS = 5000;
const STALL_MS = 1000;
/** How long topics are waited for. */
const ANSWER_MS = 30_000;
/** An immediate takes a millisecond of these timers. */
const READING_MS = 1;
/** The end of a start needs two of them. */
const TURNS_MS = 2 * READING_MS;

let backplane: FakeBackplane;
let events: string[];
let onEvent: (event: string) => void;
let session: BackplaneSession;

/** A session whose delays are not spread: 100, 200, 400 ms, … */
function sessionOf(options: Partial<BackplaneSessionOptions> = {}): BackplaneSession {
  const note = (event: string) => {
    events.push(event);
    onEvent(event);
  };
  return new BackplaneSession(
    {
      backplane,
      origin: new Origin(),
      timeoutMs: TIMEOUT_MS,
      maxKeptBytes: 0,
      stallMs: STALL_MS,
      maxPayloadBytes: 100_000,
      random: () => 0.5,
      ...options,
    },
    {
      onPublication: ({ topic, frames, messages }, lagMs) =>
        note(`frames ${topic} ${frames.length} ${messages} ${lagMs}`),
      onRefused: (messages, why) => note(`refused ${messages} ${why}`),
      onTopicRefused: (why) => note(`topic refused: ${why}`),
      onDropped: (messages) => note(`dropped ${messages}`),
      onPublished: (messages, bytes) => note(`published ${messages} ${bytes}`),
      onReceived: (bytes) => note(`received ${bytes}`),
      onState: (state, why) => note(why === undefined ? state : `${state}: ${why}`),
      onWaiting: (why, leftMs) => note(`waits ${leftMs} ms: ${why}`),
      onReconnect: () => note('reconnect'),
      onPressure: (holdsPublishers) => note(holdsPublishers ? 'slow' : 'go on'),
    },
  );
}

/** What was reported since the last call. */
const taken = () => events.splice(0);

/** The topics and texts that a connection was given, in their order. */
function sent({ published }: FakeConnection): string[] {
  return published.map(({ topic, bytes }) => {
    const { frames } = readEnvelope(bytes) as Envelope; // the session has written it
    return `${topic}: ${Buffer.from(frames.subarray(2))}`;
  });
}

const publishFrames = (topic: string, frames: Uint8Array, messages = 1) =>
  session.publish({ topic, frames, messages, mayCompress: true });
const publish = (topic: string, text: string) => publishFrames(topic, frameOf(text));

/** Starts a session, and lets its first attempt succeed. */
async function connected(options: Partial<BackplaneSessionOptions> = {}): Promise<FakeConnection> {
  session = sessionOf(options);
  void session.start();
  const connection = await backplane.last.accept();
  taken();
  return connection;
}

/** The connection is lost, and the next attempt begins. */
async function reattempt(): Promise<void> {
  backplane.last.events.lost(new Error('gone'));
  await vi.advanceTimersByTimeAsync(100);
}

beforeEach(() => {
  vi.useFakeTimers();
  backplane = new FakeBackplane();
  events = [];
  onEvent = () => {};
});

afterEach(async () => {
  const closed = session.close();
  await vi.advanceTimersByTimeAsync(ANSWER_MS + READING_MS);
  await closed;
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('start', () => {
  /** Whether the start is over. */
  function started(): () => boolean {
    session = sessionOf();
    let isStarted = false;
    void session.start().then(() => {
      isStarted = true;
    });
    return () => isStarted;
  }

  test('ends with the first connection', async () => {
    const isStarted = started();
    await settled();
    expect(isStarted()).toBe(false);
    await backplane.last.accept();
    expect(isStarted()).toBe(true);
    expect(taken()).toEqual(['connected']);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('goes on after a refusal, and reports the first one at once', async () => {
    const isStarted = started();
    await vi.advanceTimersByTimeAsync(500);
    await backplane.last.refuse();
    expect(taken()).toEqual([`waits ${TIMEOUT_MS - 500} ms: refused`]);
    await vi.advanceTimersByTimeAsync(100);
    await backplane.last.refuse();
    expect(taken()).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    await backplane.last.accept();
    expect(isStarted()).toBe(true);
    expect(taken()).toEqual(['connected']);
  });

  test('reports no refusal if it is soon over anyway', async () => {
    started();
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS - 500);
    await backplane.last.refuse();
    expect(taken()).toEqual([]);
    await vi.advanceTimersByTimeAsync(500 + TURNS_MS);
    expect(taken()).toEqual(['lost: refused']);
  });

  test('ends without a connection when the time is over, says why, and the session goes on trying', async () => {
    const isStarted = started();
    for (let i = 0; i < 5; i++) {
      await backplane.last.refuse(new Error(`refused ${i}`));
      await vi.advanceTimersByTimeAsync(100 * 2 ** i);
    }
    expect(backplane.attempts).toHaveLength(6);
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS - 3100 + TURNS_MS);
    expect(isStarted()).toBe(true);
    expect(taken()).toEqual([`waits ${TIMEOUT_MS} ms: refused 0`, 'lost: refused 4']);
    await backplane.last.accept();
    expect(taken()).toEqual(['connected']);
  });

  test('ends when the engine never answers, and the attempt with it', async () => {
    const isStarted = started();
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS + TURNS_MS);
    expect(isStarted()).toBe(true);
    expect(taken()).toEqual([`lost: no connection within ${TIMEOUT_MS} ms`]);
    expect(backplane.last.signal.aborted).toBe(true);
    await vi.advanceTimersByTimeAsync(100);
    expect(backplane.attempts).toHaveLength(2);
    const late = await (backplane.attempts[0] as (typeof backplane.attempts)[number]).accept();
    expect(late.closed).toBe(1);
    expect(taken()).toEqual([]);
  });

  test('ends when the session is closed, and after that at once', async () => {
    const isStarted = started();
    void session.close();
    await settled();
    expect(isStarted()).toBe(true);
    expect(backplane.last.signal.aborted).toBe(true);
    await backplane.last.accept();
    expect(backplane.last.connection.closed).toBe(1);
    await session.start();
    expect(backplane.attempts).toHaveLength(1);
    expect(taken()).toEqual([]);
  });
});

describe('a lost connection', () => {
  test('is reported once, and so is the next one', async () => {
    await connected();
    backplane.last.events.lost(new Error('gone'));
    expect(taken()).toEqual(['lost: gone']);
    for (const delayMs of [100, 200, 400]) {
      await vi.advanceTimersByTimeAsync(delayMs);
      await backplane.last.refuse();
    }
    expect(backplane.attempts).toHaveLength(4);
    await vi.advanceTimersByTimeAsync(800);
    await backplane.last.accept();
    expect(taken()).toEqual(['reconnect', 'connected']);
  });

  test('is no state of its own if it is lost again before it is ready', async () => {
    await connected();
    session.want(['a'], []);
    await settled();
    await reattempt();
    taken();
    backplane.last.connection.answersAtOnce = false;
    await backplane.last.accept();
    backplane.last.events.lost(new Error('gone again'));
    expect(taken()).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    await backplane.last.accept();
    expect(taken()).toEqual(['reconnect', 'connected']);
  });

  test('is tried again with longer delays as long as connections do not last', async () => {
    await connected();
    for (const delayMs of [100, 200, 400]) {
      backplane.last.events.lost(new Error('gone'));
      const before = backplane.attempts.length;
      await vi.advanceTimersByTimeAsync(delayMs - 1);
      expect(backplane.attempts).toHaveLength(before);
      await vi.advanceTimersByTimeAsync(1);
      await backplane.last.accept();
    }
    await vi.advanceTimersByTimeAsync(10_000);
    await reattempt();
    expect(backplane.attempts).toHaveLength(5);
  });

  test('is tried with ever longer delays while the engine is away, also after one that was made and lost at once', async () => {
    await connected();
    backplane.last.events.lost(new Error('gone'));
    for (const delayMs of [100, 200, 400, 800, 1600, 3200, 6400, 10_000]) {
      const before = backplane.attempts.length;
      await vi.advanceTimersByTimeAsync(delayMs - 1);
      expect(backplane.attempts).toHaveLength(before);
      await vi.advanceTimersByTimeAsync(1);
      expect(backplane.attempts).toHaveLength(before + 1);
      if (delayMs < 10_000) await backplane.last.refuse();
    }
    await backplane.last.accept();
    backplane.last.events.lost(new Error('gone'));
    const before = backplane.attempts.length;
    await vi.advanceTimersByTimeAsync(9999);
    expect(backplane.attempts).toHaveLength(before);
  });

  test('whose subscriptions are answered late does not make the next one ready', async () => {
    await connected();
    session.want(['a'], []);
    await settled();
    await reattempt();
    const { connection } = backplane.last;
    connection.answersAtOnce = false;
    await backplane.last.accept();
    backplane.last.events.lost(new Error('gone again'));
    taken();
    await connection.answer();
    expect(taken()).toEqual([]);
  });

  test('is not tried again if the listener closes the session when it hears of it', async () => {
    await connected();
    onEvent = (event) => {
      if (event === 'lost: gone') void session.close();
    };
    await reattempt();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(backplane.attempts).toHaveLength(1);
  });

  test('reports nothing any more, whatever the engine says', async () => {
    await connected();
    const { events: old } = backplane.last;
    await reattempt();
    await backplane.last.accept();
    taken();
    old.lost(new Error('again'));
    old.drained();
    old.received('a', new Uint8Array(3));
    expect(taken()).toEqual([]);
    publish('a', '1');
    expect(sent(backplane.last.connection)).toEqual(['a: 1']);
  });
});

describe('subscriptions', () => {
  test('follow what is wanted', async () => {
    const connection = await connected();
    session.want(['a', 'b'], []);
    await settled();
    session.want(['c'], ['a']);
    await settled();
    expect(connection.subscribed).toEqual(new Set(['b', 'c']));
    expect(session.subscriptions).toBe(2);
  });

  test('are renewed in batches before the session is connected again', async () => {
    await connected({ batch: 2 });
    session.want(['a', 'b', 'c'], []);
    await settled();
    await reattempt();
    session.want(['d'], ['a']);
    expect(session.subscriptions).toBe(0);
    taken();
    const { connection } = backplane.last;
    connection.answersAtOnce = false;
    await backplane.last.accept();
    expect(connection.calls).toEqual(['+b,c']);
    await connection.answer();
    expect(taken()).toEqual([]);
    await connection.answer();
    expect(connection.calls).toEqual(['+b,c', '+d']);
    expect(taken()).toEqual(['reconnect', 'connected']);
    expect(session.subscriptions).toBe(3);
  });

  test('are renewed 500 at once by default', async () => {
    await connected();
    session.want(
      Array.from({ length: 501 }, (_, i) => `${i}`),
      [],
    );
    await settled();
    await reattempt();
    await backplane.last.accept();
    expect(backplane.last.connection.calls.map((call) => call.split(',').length)).toEqual([500, 1]);
  });

  test('that are on their way when the connection is lost are made in the next one', async () => {
    const connection = await connected();
    connection.answersAtOnce = false;
    session.want(['a'], []);
    await settled();
    await reattempt();
    await connection.answer();
    expect(session.subscriptions).toBe(0);
    await backplane.last.accept();
    expect(backplane.last.connection.subscribed).toEqual(new Set(['a']));
    expect(session.subscriptions).toBe(1);
  });

  test('are waited for for half a minute: much may be in front of them', async () => {
    const connection = await connected();
    connection.answersAtOnce = false;
    session.want(['a'], []);
    await vi.advanceTimersByTimeAsync(ANSWER_MS - 1);
    expect(taken()).toEqual([]);
    await vi.advanceTimersByTimeAsync(1 + READING_MS);
    expect(taken()).toEqual([`lost: subscribing has taken more than ${ANSWER_MS} ms`]);
  });

  test('that the engine refuses end the connection', async () => {
    const connection = await connected();
    connection.answersAtOnce = false;
    session.want(['a'], []);
    await connection.answer(new Error('no such topic'));
    expect(taken()).toEqual(['lost: no such topic']);
    expect(connection.closed).toBe(1);
    await vi.advanceTimersByTimeAsync(100);
    expect(backplane.attempts).toHaveLength(2);
  });

  test('to a topic that the engine refuses are reported, and the connection goes on', async () => {
    const connection = await connected();
    session.want(['a', 'b'], []);
    backplane.last.events.refused(new Error('a is not permitted'));
    await settled();
    expect(taken()).toEqual(['topic refused: a is not permitted']);
    session.want([], ['a']);
    await settled();
    expect(connection.calls).toEqual(['+a,b', '-a']);
    backplane.last.events.lost(new Error('gone'));
    backplane.last.events.refused(new Error('too late'));
    expect(taken()).toEqual(['lost: gone']);
  });

  test('are asked for once, however often they are wanted and not wanted', async () => {
    const connection = await connected();
    connection.answersAtOnce = false;
    for (let i = 0; i < 10; i++) {
      session.want(['a'], []);
      session.want([], ['a']);
    }
    session.want(['a'], []);
    await settled();
    await connection.answer();
    expect(connection.calls).toEqual(['+a']);
  });

  test('that are wanted by the listener when it hears that the session is connected are made', async () => {
    onEvent = (event) => {
      if (event === 'connected') session.want(['a'], []);
    };
    const connection = await connected();
    expect(connection.subscribed).toEqual(new Set(['a']));
  });
});

describe('publications', () => {
  test('go to the engine with the header of the fleet, and are counted', async () => {
    const connection = await connected();
    publishFrames('a', framesOf('one', 'two'), 2);
    expect(taken()).toEqual([`published 2 ${ENVELOPE_HEADER_BYTES + 10}`]);
    const message = readEnvelope(connection.published[0]?.bytes as Buffer);
    expect(message).toMatchObject({ messages: 2, timestamp: Date.now() });
  });

  test('are cut at the limit of the engine', async () => {
    session = sessionOf();
    void session.start();
    backplane.last.connection.maxMessageBytes = 1024;
    const connection = await backplane.last.accept();
    taken();
    publishFrames('a', framesOf(new Uint8Array(5000), 'b', 'c'), 3);
    expect(connection.published).toHaveLength(7);
    expect(taken()).toEqual([`published 3 ${5004 + 6 + 7 * ENVELOPE_HEADER_BYTES}`]);
  });

  test('are dropped and counted while there is no connection, and none is kept by default', async () => {
    const connection = await connected();
    backplane.last.events.lost(new Error('gone'));
    taken();
    publishFrames('a', framesOf('1', '2'), 2);
    expect(taken()).toEqual(['dropped 2']);
    await vi.advanceTimersByTimeAsync(100);
    await backplane.last.accept();
    expect(connection.published).toEqual([]);
    expect(backplane.last.connection.published).toEqual([]);
  });

  test('are kept up to a number of bytes, and go first and in order when there is a connection, with their time', async () => {
    session = sessionOf({ maxKeptBytes: 600 });
    void session.start();
    const publishedAt = Date.now();
    for (const text of ['1', '2', '3', '4']) publish('a', text);
    expect(taken()).toEqual(['dropped 1', 'dropped 1']);
    await vi.advanceTimersByTimeAsync(10);
    onEvent = (event) => {
      if (event === 'connected') publish('a', '5');
    };
    const connection = await backplane.last.accept();
    expect(sent(connection)).toEqual(['a: 1', 'a: 2', 'a: 5']);
    const times = connection.published.map(({ bytes }) => (readEnvelope(bytes) as Envelope).timestamp);
    expect(times).toEqual([publishedAt, publishedAt, publishedAt + 10]);
  });

  test('that are kept go when topics are subscribed to, which they would hold up, and those that come meanwhile behind them', async () => {
    session = sessionOf({ maxKeptBytes: 1000 });
    void session.start();
    session.want(['a'], []);
    publish('a', '1');
    const { connection } = backplane.last;
    connection.answersAtOnce = false;
    await backplane.last.accept();
    publish('a', '2');
    backplane.last.events.drained(); // it has nothing to do with what is kept
    expect(sent(connection)).toEqual([]);
    await connection.answer();
    expect(sent(connection)).toEqual(['a: 1', 'a: 2']);
    expect(taken().at(-1)).toBe('connected');
  });

  test('go at once while topics are subscribed to if nothing is kept', async () => {
    session = sessionOf({ maxKeptBytes: 1000 });
    void session.start();
    session.want(['a'], []);
    const { connection } = backplane.last;
    connection.answersAtOnce = false;
    await backplane.last.accept();
    publish('a', '1');
    expect(sent(connection)).toEqual(['a: 1']);
  });

  test('of which one is larger than all that may be kept are kept again when the engine was there', async () => {
    await connected({ maxKeptBytes: 1000 });
    backplane.last.events.lost(new Error('gone'));
    publishFrames('a', frameOf(new Uint8Array(2000)));
    publish('a', 'behind a gap');
    await vi.advanceTimersByTimeAsync(100);
    await backplane.last.accept();
    backplane.last.events.lost(new Error('gone again'));
    publish('a', '1');
    await vi.advanceTimersByTimeAsync(200);
    await backplane.last.accept();
    expect(sent(backplane.last.connection)).toEqual(['a: 1']);
  });

  test('that are kept wait while the engine is slow, and keep their order', async () => {
    session = sessionOf({ maxKeptBytes: 10_000 });
    void session.start();
    for (const text of ['1', '2', '3']) publish('a', text);
    const { connection } = backplane.last;
    connection.hasRoom = false;
    await backplane.last.accept();
    publish('a', '4');
    expect(sent(connection)).toEqual(['a: 1']);
    backplane.last.events.drained();
    expect(sent(connection)).toEqual(['a: 1', 'a: 2']);
    connection.hasRoom = true;
    onEvent = (event) => {
      if (event === 'go on') publish('a', '5');
    };
    backplane.last.events.drained();
    expect(sent(connection)).toEqual(['a: 1', 'a: 2', 'a: 3', 'a: 4', 'a: 5']);
  });

  test('that are kept are not dropped if the engine is full and nobody waits for it', async () => {
    session = sessionOf({ maxKeptBytes: 10_000, stallMs: 0 });
    void session.start();
    for (const text of ['1', '2']) publish('a', text);
    const { connection } = backplane.last;
    connection.hasRoom = false;
    await backplane.last.accept();
    backplane.last.events.drained();
    expect(sent(connection)).toEqual(['a: 1', 'a: 2']);
    expect(taken()).not.toContain('dropped 1');
  });

  test('that are kept stay kept if the connection is lost while they are sent', async () => {
    session = sessionOf({ maxKeptBytes: 10_000 });
    void session.start();
    for (const text of ['1', '2', '3']) publish('a', text);
    const { connection } = backplane.last;
    connection.publish = () => {
      throw new Error('broken');
    };
    await backplane.last.accept();
    expect(taken()).toEqual([`waits ${TIMEOUT_MS} ms: broken`, 'dropped 1']);
    await vi.advanceTimersByTimeAsync(100);
    await backplane.last.accept();
    expect(sent(backplane.last.connection)).toEqual(['a: 2', 'a: 3']);
    expect(taken().at(-1)).toBe('connected');
  });

  test('are dropped if the engine throws, and the connection is over', async () => {
    const connection = await connected();
    connection.publish = () => {
      throw new Error('broken');
    };
    publish('a', '1');
    expect(taken()).toEqual(['lost: broken', 'dropped 1']);
    expect(connection.closed).toBe(1);
  });

  test('of which the connection is lost in the middle are dropped, and no more of their pieces sent', async () => {
    session = sessionOf();
    void session.start();
    const { connection, events: engine } = backplane.last;
    connection.maxMessageBytes = 1024;
    await backplane.last.accept();
    taken();
    const publishPiece = connection.publish.bind(connection);
    connection.publish = (topic, bytes) => {
      if (connection.published.length === 2) engine.lost(new Error('gone'));
      return publishPiece(topic, bytes);
    };
    publishFrames('a', frameOf(new Uint8Array(10_000)));
    expect(connection.published).toHaveLength(3);
    expect(taken()).toEqual(['lost: gone', 'dropped 1']);
  });
});

describe('a slow engine', () => {
  async function slow(): Promise<FakeConnection> {
    const connection = await connected();
    connection.hasRoom = false;
    publish('a', '1');
    expect(taken()).toEqual(['published 1 59', 'slow']);
    return connection;
  }

  test('lets publishers wait until it is drained; what still comes goes to it', async () => {
    const connection = await slow();
    publish('a', '2');
    vi.advanceTimersByTime(STALL_MS - 1);
    backplane.last.events.drained();
    expect(taken()).toEqual(['published 1 59', 'go on']);
    expect(sent(connection)).toEqual(['a: 1', 'a: 2']);
  });

  test('is given only some megabytes by publishers that do not wait', async () => {
    const connection = await slow();
    const frames = frameOf(new Uint8Array(3_000_000));
    for (let i = 0; i < 3; i++) publishFrames('a', frames);
    expect(taken().map((event) => event.split(' ')[0])).toEqual(['published', 'published', 'dropped']);
    expect(connection.published).toHaveLength(9);
  });

  test('is given only so many tiny publications: each costs more than its bytes', async () => {
    const connection = await slow();
    for (let i = 0; i < 100_000; i++) publish(`topic ${i}`, '1');
    expect(connection.published.length).toBeLessThan(30_000);
  });

  test('is waited for only so long; then all is dropped and counted until it is drained', async () => {
    const connection = await slow();
    vi.advanceTimersByTime(STALL_MS + READING_MS);
    publish('a', '2');
    publish('a', '3');
    expect(taken()).toEqual(['go on', 'dropped 1', 'dropped 1']);
    connection.hasRoom = true;
    backplane.last.events.drained();
    publish('a', '4');
    expect(taken()).toEqual(['published 1 59']);
    expect(sent(connection)).toEqual(['a: 1', 'a: 4']);
  });

  test('that is lost lets nobody wait', async () => {
    await slow();
    await reattempt();
    expect(taken()).toEqual(['go on', 'lost: gone']);
    await backplane.last.accept();
    publish('a', '2');
    expect(sent(backplane.last.connection)).toEqual(['a: 2']);
  });

  test('that stalls and is lost takes messages again in the next connection', async () => {
    await slow();
    vi.advanceTimersByTime(STALL_MS + READING_MS);
    await reattempt();
    await backplane.last.accept();
    taken();
    publish('a', '2');
    expect(taken()).toEqual(['published 1 59']);
  });

  test('is slow if any of the pieces had no room', async () => {
    session = sessionOf();
    void session.start();
    const { connection } = backplane.last;
    connection.maxMessageBytes = 1024;
    await backplane.last.accept();
    taken();
    let pieces = 0;
    connection.publish = () => ++pieces !== 2;
    publishFrames('a', frameOf(new Uint8Array(3000)));
    expect(pieces).toBe(4);
    expect(taken()).toEqual([expect.stringContaining('published 1'), 'slow']);
  });

  test('that is closed lets nobody wait', async () => {
    await slow();
    await session.close();
    expect(taken()).toEqual(['go on']);
  });
});

describe('what comes in', () => {
  const receive = (topic: string, bytes: Uint8Array) => backplane.last.events.received(topic, bytes);

  test('is passed on if it is right, and counted if not', async () => {
    await connected();
    const timestamp = Date.now() - 7;
    for (const bytes of packed(framesOf('one', 'two'), 2, { timestamp })) receive('a', bytes);
    for (const bytes of packed(Buffer.from('8101ff', 'hex'), 1)) receive('a', bytes);
    receive('a', new Uint8Array(3));
    expect(taken()).toEqual([
      'received 66',
      'frames a 10 2 7',
      'received 59',
      'refused 1 text',
      'received 3',
      'refused 1 not ours',
    ]);
  });

  test('is dropped if this server has published it', async () => {
    const connection = await connected();
    publish('a', '1');
    receive('a', connection.published[0]?.bytes as Buffer);
    expect(taken()).toEqual(['published 1 59', 'received 59']);
  });

  test('does not wait for pieces that never come', async () => {
    await connected();
    const [first] = packed(frameOf(new Uint8Array(3000)), 1, { maxBytes: 1024 }) as Iterable<Uint8Array>;
    receive('a', first as Uint8Array);
    await vi.advanceTimersByTimeAsync(5000);
    receive('b', first as Uint8Array);
    taken();
    await vi.advanceTimersByTimeAsync(5000);
    expect(taken()).toEqual(['refused 1 pieces']);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(taken()).toEqual(['refused 1 pieces']);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is forgotten with the connection if it is not whole', async () => {
    await connected();
    const all = [...packed(frameOf(new Uint8Array(1900)), 1, { maxBytes: 1024 })];
    const [first, second] = all.map((bytes) => Buffer.from(bytes)) as [Buffer, Buffer];
    receive('a', first);
    await reattempt();
    await backplane.last.accept();
    taken();
    receive('a', second);
    expect(taken()).toEqual([`received ${second.length}`]);
  });
});

describe('close', () => {
  test('waits for the connection, once', async () => {
    const connection = await connected();
    const closing = session.close();
    expect(session.close()).toBe(closing);
    await closing;
    expect(connection.closed).toBe(1);
    expect(taken()).toEqual([]);
  });

  test('ends the waiting for the next attempt, and drops what was kept', async () => {
    await connected({ maxKeptBytes: 10_000 });
    backplane.last.events.lost(new Error('gone'));
    publish('a', '1');
    publishFrames('a', framesOf('2', '3'), 2);
    taken();
    await session.close();
    expect(taken()).toEqual(['dropped 1', 'dropped 2']);
    publish('a', '4');
    session.want(['a'], []);
    expect(taken()).toEqual(['dropped 1']);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(backplane.attempts).toHaveLength(1);
  });

  test('ends an attempt, and a connection that comes all the same', async () => {
    await connected();
    await reattempt();
    taken();
    await session.close();
    expect(backplane.last.signal.aborted).toBe(true);
    const connection = await backplane.last.accept();
    expect(connection.closed).toBe(1);
    expect(taken()).toEqual([]);
  });

  test('does not wait for ever', async () => {
    const connection = await connected();
    connection.closing = new Promise(() => {});
    let isClosed = false;
    void session.close().then(() => {
      isClosed = true;
    });
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS - 1);
    expect(isClosed).toBe(false);
    await vi.advanceTimersByTimeAsync(1 + READING_MS);
    expect(isClosed).toBe(true);
  });
});
