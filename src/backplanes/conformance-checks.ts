import { ENGINE_NAME } from '../fleet/backplane.js';
import type { ConformanceRig, TestedConnection } from './conformance-rig.js';

const LEAST_MAX_MESSAGE_BYTES = 1024;
/** Larger messages than this are not tried: an engine may take gigabytes. */
const LARGEST_TRIED = 4 * 1024 * 1024;
/** So much is published to see whether the engine makes publishers wait: 32 MiB. */
const FLOOD_MESSAGES = 2048;
const FLOOD_MESSAGE_BYTES = 16 * 1024;
const MANY = 1000;
/** How many topics the server subscribes to by one call. */
const BATCH = 500;

const LONG = 'x'.repeat(1024);
const LONG_EMOJI = '😀'.repeat(512);

/** Wildcards, and between them names that they would match: those at odd places are published to, the others subscribed to. */
const WILDCARDS = ['*', 'a', '>', 'A', '#', 'b', '+', 'a.b', 'a.*', 'a.c', 'a.>', 'a/b', '?', 'a//b', '[ab]', '/'];
const SEPARATORS = ['', ' ', '  ', 'a ', ' a', 'a b', 'a\tb', ':', 'a:b', '{a}', '{b}a', '"', "'"];
const ENDS = ['a\0b', 'a\0', '\0', 'a\r\nb', '\n'];
const ESCAPES = ['%41', '%', '=', '==', '=41', '\\', '$SYS'];
const WORDS = ['undefined', 'null', '__proto__', 'constructor', 'hasOwnProperty'];
/** What is the same after some normalization or other. */
const ALIKE = ['é', 'e\u0301', 'ß', 'SS', 'ﬁ', 'fi'];
/** What gets lost on the way to UTF-8. */
const SURROGATES = ['😀', '\ud83d', '\ude00', '\ude00\ud83d', '\ufffd', '\ufeff', '\uffff'];
/** What differs only where an engine may have cut it. */
const LONG_TEXTS = [LONG, `${LONG}x`, `x${LONG.slice(1)}y`];
const LONG_PAIRS = [LONG_EMOJI, `${LONG_EMOJI}😁`, `${LONG_EMOJI.slice(0, -1)}\ude01`];

/** Topics that some engine somewhere takes for one another, for a wildcard, or for a part of a command. */
const ODD_TOPICS: readonly string[] = [
  WILDCARDS,
  SEPARATORS,
  ENDS,
  ESCAPES,
  WORDS,
  ALIKE,
  SURROGATES,
  LONG_TEXTS,
  LONG_PAIRS,
].flat();

const text = (connection: TestedConnection) => connection.received.map(({ bytes }) => new TextDecoder().decode(bytes));
const bytesOf = (what: string) => new TextEncoder().encode(what);

/** A name for errors: long ones are cut. */
function shownTopic(topic: string): string {
  const json = JSON.stringify(topic);
  return json.length > 40 ? `${json.slice(0, 40)}… (${topic.length} UTF-16 units)` : json;
}

/**
 * Waits until a connection has received everything that another one publishes now. It publishes to a topic that the first is subscribed to; if
 * topics are sent in different ways, the order among them is not sure, so it goes that way a few times.
 */
async function settled(
  rig: ConformanceRig,
  from: TestedConnection,
  to: TestedConnection,
  topic: string,
): Promise<void> {
  for (let round = 0; round < 3; round++) {
    const mark = `settled ${round} ${Math.random()}`;
    from.publish(topic, bytesOf(mark));
    await rig.until('what was published to a topic that is subscribed to', () => text(to).includes(mark));
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** The rules of a backplane, and how each is checked. A check throws with what was found. */
export const CHECKS: Readonly<Record<string, (rig: ConformanceRig) => Promise<void>>> = {
  'the name says which engine it is, without address and credentials': async (rig) => {
    const { name } = await rig.backplane();
    if (typeof name !== 'string' || !ENGINE_NAME.test(name)) throw new Error(`it is ${JSON.stringify(name)}`);
  },

  'connect() rejects if the attempt is aborted already': async (rig) => {
    const backplane = await rig.backplane();
    const events = { received() {}, drained() {}, refused() {}, lost() {} };
    const attempt = backplane.connect(events, AbortSignal.abort()).then(
      (connection) => connection,
      () => undefined,
    );
    const connection = await rig.within('the end of connect()', attempt);
    if (connection === undefined) return;
    await connection.close();
    throw new Error('it has connected');
  },

  'maxMessageBytes is an integer of 1024 or more': async (rig) => {
    const { maxMessageBytes } = await rig.connect();
    const isRight = Number.isSafeInteger(maxMessageBytes) && maxMessageBytes >= LEAST_MAX_MESSAGE_BYTES;
    if (!isRight) throw new Error(`it is ${maxMessageBytes}`);
  },

  'messages of all sizes arrive, byte for byte': async (rig) => {
    const [from, to] = [await rig.connect(), await rig.connect()];
    const topic = 'wsloom test sizes';
    await to.subscribe([topic]);
    const most = Math.min(from.maxMessageBytes, LARGEST_TRIED);
    const sizes = [1, 2, 125, 126, 1000, 1024, 65_535, 65_536, 1_000_000, most - 1, most];
    for (const size of sizes.filter((one) => one <= most)) {
      const bytes = new Uint8Array(size).map((_, i) => (i * 7 + size) & 0xff);
      const before = to.received.length;
      from.publish(topic, bytes.slice());
      await rig.until(`the message of ${size} bytes`, () => to.received.length > before);
      const came = to.received[before]?.bytes as Uint8Array;
      if (!sameBytes(came, bytes))
        throw new Error(`the message of ${size} bytes came with ${came.length} bytes, or other ones`);
    }
  },

  'the caller may overwrite the bytes when publish() returns': async (rig) => {
    const [from, to] = [await rig.connect(), await rig.connect()];
    const topic = 'wsloom test overwritten';
    await to.subscribe([topic]);
    const size = Math.min(5000, from.maxMessageBytes);
    let sent = 0;
    // The server has both; `slice` copies the one, and not the other.
    for (const bytes of [new Uint8Array(size), Buffer.alloc(size)]) {
      for (let i = 0; i < 10; i++) {
        bytes.fill(sent++);
        from.publish(topic, bytes);
      }
      bytes.fill(255);
    }
    await rig.until('20 messages', () => to.received.length >= 20);
    const found = to.received.findIndex(({ bytes }, i) => bytes.some((byte) => byte !== i));
    if (found >= 0) throw new Error(`message ${found} came with what was written after it was published`);
  },

  'messages of a publisher to a topic keep their order': async (rig) => {
    const [from, to] = [await rig.connect(), await rig.connect()];
    const topics = ['wsloom test order 1', 'wsloom test order 2', 'wsloom test order 3'];
    await to.subscribe(topics);
    for (let i = 0; i < MANY; i++) {
      // Different sizes: small and large messages may go different ways.
      const padding = i % 50 === 0 ? Math.min(20_000, from.maxMessageBytes - 10) : 0;
      for (const topic of topics) from.publish(topic, bytesOf(`${i}${' '.repeat(padding)}`));
    }
    await rig.until(`${MANY * topics.length} messages`, () => to.received.length >= MANY * topics.length);
    for (const topic of topics) {
      const order = to.received
        .filter((one) => one.topic === topic)
        .map(({ bytes }) => Number(new TextDecoder().decode(bytes)));
      const wrong = order.findIndex((number, i) => number !== i);
      if (wrong >= 0) throw new Error(`after message ${wrong - 1} of a topic came message ${order[wrong]}`);
      if (order.length !== MANY) throw new Error(`${order.length} messages of ${MANY} came to a topic`);
    }
  },

  'topics are any strings, and never share messages': async (rig) => {
    const [from, to] = [await rig.connect(), await rig.connect()];
    await to.subscribe(ODD_TOPICS);
    ODD_TOPICS.forEach((topic, i) => {
      from.publish(topic, bytesOf(String(i)));
    });
    const numbers = () => new Set(text(to));
    await rig
      .until('a message to each topic', () => numbers().size >= ODD_TOPICS.length)
      .catch((error) => {
        const missing = ODD_TOPICS.filter((_, i) => !numbers().has(String(i))).map(shownTopic);
        throw missing.length === 0 ? error : new Error(`nothing came to ${missing.join(', ')}`);
      });
    for (const { topic, bytes } of to.received) {
      const sent = ODD_TOPICS[Number(new TextDecoder().decode(bytes))];
      if (sent === topic) continue;
      throw new Error(`what was published to ${shownTopic(String(sent))} came to ${shownTopic(topic)}`);
    }
    if (to.received.length > ODD_TOPICS.length) throw new Error('a message came twice');
  },

  'a topic is not subscribed to by one that looks like it': async (rig) => {
    const [from, to] = [await rig.connect(), await rig.connect()];
    const half = ODD_TOPICS.filter((_, i) => i % 2 === 0);
    const others = ODD_TOPICS.filter((_, i) => i % 2 === 1);
    const marks = 'wsloom test looks';
    await to.subscribe([...half, marks]);
    for (const topic of others) from.publish(topic, bytesOf(`to ${topic}`));
    await settled(rig, from, to, marks);
    const wrong = to.received.find(({ topic }) => topic !== marks);
    if (wrong !== undefined) throw new Error(`to ${shownTopic(wrong.topic)} came what was published to another topic`);
  },

  'what is published when subscribe() has resolved is received': async (rig) => {
    const [from, to] = [await rig.connect(), await rig.connect()];
    for (let i = 0; i < 20; i++) {
      const topic = `wsloom test at once ${i}`;
      await to.subscribe([topic]);
      from.publish(topic, bytesOf(String(i)));
    }
    await rig.until(
      'a message to each of 20 topics, published right after subscribe() has resolved',
      () => to.received.length >= 20,
    );
  },

  'many topics can be subscribed to and left by one call': async (rig) => {
    const [from, to] = [await rig.connect(), await rig.connect()];
    const topics = Array.from({ length: BATCH }, (_, i) => `wsloom test batch ${i}`);
    await to.subscribe(topics);
    for (const topic of topics) from.publish(topic, bytesOf(topic));
    await rig.until(`${BATCH} messages`, () => to.received.length >= BATCH);
    if (new Set(text(to)).size !== BATCH) throw new Error('some topics got nothing, and others too much');
    const [kept = '', ...left] = topics;
    await to.unsubscribe(left);
    const before = to.received.length;
    for (const topic of left) from.publish(topic, bytesOf('late'));
    await settled(rig, from, to, kept);
    const late = to.received.slice(before).filter(({ topic }) => topic !== kept).length;
    if (late > 0) throw new Error(`${late} messages came after unsubscribe() had resolved`);
  },

  'a topic can be subscribed to again': async (rig) => {
    const [from, to] = [await rig.connect(), await rig.connect()];
    const topic = 'wsloom test again';
    for (let round = 0; round < 3; round++) {
      await to.subscribe([topic]);
      from.publish(topic, bytesOf(`round ${round}`));
      await rig.until(`the message of round ${round}`, () => text(to).includes(`round ${round}`));
      await to.unsubscribe([topic]);
    }
    // Without waiting in between: the last call counts.
    await to.subscribe([topic]);
    await Promise.all([to.unsubscribe([topic]), to.subscribe([topic])]);
    from.publish(topic, bytesOf('last'));
    await rig.until('the message after unsubscribe() and subscribe() at once', () => text(to).includes('last'));
    if (to.received.length > 4) throw new Error('a message came twice');
  },

  'every connection that is subscribed gets each message once': async (rig) => {
    const [from, one, other] = [await rig.connect(), await rig.connect(), await rig.connect()];
    const topic = 'wsloom test everybody';
    await Promise.all([from, one, other].map((each) => each.subscribe([topic])));
    for (let i = 0; i < 100; i++) from.publish(topic, bytesOf(String(i)));
    for (const each of [one, other]) {
      await rig.until('100 messages', () => each.received.length >= 100);
    }
    await Promise.all([settled(rig, from, one, topic), settled(rig, from, other, topic)]);
    for (const each of [one, other]) {
      const numbers = text(each).filter((one) => !one.startsWith('settled'));
      if (numbers.length !== 100) throw new Error(`${numbers.length} messages came instead of 100`);
    }
    const own = new Set(text(from).filter((one) => !one.startsWith('settled')));
    const copies = text(from).filter((one) => !one.startsWith('settled')).length;
    if (copies !== own.size) throw new Error('the publisher got a message of its own twice');
  },

  'after publish() has returned false, drained() comes': async (rig) => {
    const from = await rig.connect();
    const bytes = new Uint8Array(Math.min(FLOOD_MESSAGE_BYTES, from.maxMessageBytes));
    for (let i = 0; i < FLOOD_MESSAGES; i++) {
      const before = from.drains;
      if (from.publish('wsloom test flood', bytes)) continue;
      await rig.until('drained()', () => from.drains > before);
      return;
    }
  },

  'close() sends what waits': async (rig) => {
    const [from, to] = [await rig.connect(), await rig.connect()];
    const topic = 'wsloom test last words';
    await to.subscribe([topic]);
    for (let i = 0; i < 100; i++) from.publish(topic, new Uint8Array(Math.min(10_000, from.maxMessageBytes)).fill(i));
    await from.close();
    await rig.until('100 messages of a connection that was closed', () => to.received.length >= 100);
  },

  'a connection that is closed does nothing, and reports nothing': async (rig) => {
    const [from, to] = [await rig.connect(), await rig.connect()];
    const topic = 'wsloom test closed';
    await Promise.all([from.subscribe([topic]), to.subscribe([topic])]);
    await from.close();
    const answer = from.publish(topic, bytesOf('late'));
    if (typeof answer !== 'boolean') throw new Error(`publish() returned ${String(answer)}`);
    await from.subscribe(['wsloom test other']);
    await from.unsubscribe([topic]);
    await from.close();
    const other = await rig.connect();
    await settled(rig, other, to, topic);
    if (text(to).includes('late')) throw new Error('it has sent a message');
    if (from.received.length > 0) throw new Error('it has received a message');
  },
};
