import { expect, test } from 'vitest';
import { PendingPong } from '../../dist/protocol/pending-pong.js';

const bytes = (text: string) => new TextEncoder().encode(text);

test('a ping is answered at once with its own bytes, and nothing waits', () => {
  const pongs = new PendingPong();
  const payload = bytes('a');
  expect(pongs.receive(payload, false)).toBe(payload);
  expect(pongs.take()).toBeUndefined();
});

test('of the pings that come while output waits, only the latest is answered, once, with its own bytes', () => {
  const pongs = new PendingPong();
  const latest = Buffer.from('b');
  expect(pongs.receive(bytes('a'), true)).toBeUndefined();
  expect(pongs.receive(latest, true)).toBeUndefined();
  latest.fill(0); // by the next read
  expect(pongs.take()).toEqual(bytes('b'));
  expect(pongs.take()).toBeUndefined();
});

test('when a ping is answered at once, an older ping that waited gets no answer', () => {
  const pongs = new PendingPong();
  pongs.receive(bytes('a'), true);
  expect(pongs.receive(bytes('b'), false)).toEqual(bytes('b'));
  expect(pongs.take()).toBeUndefined();
});
