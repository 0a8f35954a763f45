import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, it, onTestFinished } from 'vitest';
import { EventChannel } from '../../dist/telemetry/event-channel.js';

const NAME = 'wsloom:test';
const tested = new EventChannel<{ readonly id: number }>(NAME);

/** Subscribes until the test is over. */
function listen(listener: (event: unknown, name: string | symbol) => unknown): void {
  subscribe(NAME, listener);
  onTestFinished(() => void unsubscribe(NAME, listener));
}

/** A log that notes what it is told. */
function noting() {
  const failures: [what: string, error: unknown][] = [];
  return {
    failures,
    throttledError: (what: string, _line: string, error: unknown) => void failures.push([what, error]),
  };
}

it('has no subscribers until somebody subscribes, by any way of Node', () => {
  expect(tested.hasSubscribers).toBe(false);
  const listener = () => {};
  subscribe(NAME, listener);
  expect(tested.hasSubscribers).toBe(true);
  unsubscribe(NAME, listener);
  expect(tested.hasSubscribers).toBe(false);
  expect(() => tested.publish({ id: 1 }, noting())).not.toThrow();
});

it('gives each subscriber the event and the name of the channel', () => {
  const heard: unknown[] = [];
  listen((event, name) => heard.push(['first', event, name]));
  listen((event, name) => heard.push(['second', event, name]));
  const event = { id: 7 };
  tested.publish(event, noting());
  expect(heard).toEqual([
    ['first', event, NAME],
    ['second', event, NAME],
  ]);
});

it('reports a subscriber that throws, and calls the next one all the same', () => {
  const heard: unknown[] = [];
  const error = new Error('broken');
  listen(() => {
    throw error;
  });
  listen((event) => heard.push(event));
  const log = noting();
  tested.publish({ id: 7 }, log);
  expect(heard).toEqual([{ id: 7 }]);
  expect(log.failures).toEqual([[`a subscriber of ${NAME} failed`, error]]);
});

it('reports a subscriber whose promise is rejected', async () => {
  const error = new Error('broken later');
  listen(async () => {
    throw error;
  });
  const log = noting();
  tested.publish({ id: 7 }, log);
  await Promise.resolve();
  await Promise.resolve();
  expect(log.failures).toEqual([[`a subscriber of ${NAME} failed`, error]]);
});

it('lets a subscriber unsubscribe while it is called', () => {
  const heard: string[] = [];
  const once = () => {
    heard.push('once');
    unsubscribe(NAME, once);
  };
  subscribe(NAME, once);
  listen(() => heard.push('always'));
  tested.publish({ id: 1 }, noting());
  tested.publish({ id: 2 }, noting());
  expect(heard).toEqual(['once', 'always', 'always']);
});

it('finds the subscribers where this Node keeps them', () => {
  listen(() => {});
  expect((channel(NAME) as { readonly _subscribers?: unknown })._subscribers).toHaveLength(1);
});
