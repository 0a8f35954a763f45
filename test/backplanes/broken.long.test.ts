import { describe, expect, it } from 'vitest';
import { type BackplaneTestError, testBackplane } from '../../dist/backplanes/index.js';
import { type Faults, MemoryEngine } from './memory.js';

/** What the test says of an engine with faults. It waits shortly: nothing in memory takes time. */
async function failuresOf(faults: Faults): Promise<readonly string[]> {
  const engine = new MemoryEngine(faults);
  const tested = testBackplane(() => engine.backplane(), { timeoutMs: 300 });
  return await tested.then(
    () => [],
    (error: BackplaneTestError) => error.failures,
  );
}

const utf8 = (topic: string) => Buffer.from(topic).toString();

/** Each fault, and the beginning of a sentence that it is found by. */
const BROKEN: readonly (readonly [what: string, faults: Faults, found: string])[] = [
  ['is named by its address', { name: 'redis://:secret@host' }, 'the name says which engine it is'],
  ['has no name', { name: '' }, 'the name says which engine it is'],
  ['connects although the attempt is aborted', { ignoresAbort: true }, 'connect() rejects if the attempt is aborted'],
  ['takes only tiny messages', { maxMessageBytes: 1000 }, 'maxMessageBytes is an integer'],
  ['says no number', { maxMessageBytes: Number.NaN }, 'maxMessageBytes is an integer'],
  ['cuts long messages', { arrives: (bytes) => [bytes.subarray(0, 65_535)] }, 'messages of all sizes arrive'],
  [
    'drops long messages',
    { arrives: (bytes) => (bytes.length > 65_535 ? [] : [bytes]) },
    'messages of all sizes arrive',
  ],
  [
    'takes bytes for text',
    { arrives: (bytes) => [Buffer.from(Buffer.from(bytes).toString())] },
    'messages of all sizes',
  ],
  ['keeps the bytes of the caller', { copies: (bytes) => bytes }, 'the caller may overwrite the bytes'],
  ['keeps the bytes of a Buffer', { copies: (bytes) => bytes.slice() }, 'the caller may overwrite the bytes'],
  ['overtakes large messages', { turns: (bytes) => (bytes.length > 10_000 ? 3 : 1) }, 'messages of a publisher'],
  ['loses the lone surrogates of topics', { key: utf8 }, 'topics are any strings'],
  ['ignores the case of topics', { key: (topic) => topic.toLowerCase() }, 'topics are any strings'],
  ['trims topics', { key: (topic) => topic.trim() }, 'topics are any strings'],
  ['cuts long topics', { key: (topic) => topic.slice(0, 1000) }, 'topics are any strings'],
  ['normalizes topics', { key: (topic) => topic.normalize() }, 'topics are any strings'],
  ['ends topics at NUL', { key: (topic) => topic.replace(/\0.*/s, '') }, 'topics are any strings'],
  ['reads * and > as wildcards', { matches: glob }, 'a topic is not subscribed to by one that looks like it'],
  ['subscribes later than it says', { subscribesLate: true }, 'what is published when subscribe() has resolved'],
  ['does not unsubscribe', { neverUnsubscribes: true }, 'many topics can be subscribed to and left'],
  ['subscribes to a topic only once', { forgetsForGood: true }, 'a topic can be subscribed to again'],
  [
    'delivers twice',
    { arrives: (bytes) => [bytes, bytes] },
    'every connection that is subscribed gets each message once',
  ],
  ['never takes messages again', { neverDrains: true }, 'after publish() has returned false'],
  ['drops what waits when it is closed', { dropsAtClose: true }, 'close() sends what waits'],
  ['throws when it is closed', { afterClose: 'throws' }, 'a connection that is closed does nothing'],
  ['sends after it is closed', { afterClose: 'sends' }, 'a connection that is closed does nothing'],
  ['reports that it was closed', { reportsItsClose: true }, 'a connection that is closed does nothing'],
  ['never closes', { neverCloses: true }, 'close() sends what waits'],
  ['loses its connections', { losesConnections: true }, 'messages of all sizes arrive'],
];

function glob(subscribed: string, published: string): boolean {
  if (subscribed === published) return true;
  const [first, second] = [subscribed.split('.'), published.split('.')];
  return first.length === second.length && first.every((part, i) => part === '*' || part === '>' || part === second[i]);
}

describe('testBackplane', () => {
  it('finds nothing wrong with the engine that the broken ones are made of', async () => {
    expect(await failuresOf({})).toEqual([]);
  });

  it.concurrent.each(BROKEN)('finds out an engine that %s', async (_, faults, found) => {
    expect(await failuresOf(faults)).toContainEqual(expect.stringContaining(found));
  });
});
