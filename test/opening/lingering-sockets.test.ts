import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LingeringSockets } from '../../dist/opening/lingering-sockets.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
});

it('a socket that lingers is cut off when its time is over', async () => {
  const lingering = new LingeringSockets();
  const socket = new PassThrough();
  const closed = finished(socket).catch(() => 'cut off');
  lingering.add(socket);
  vi.advanceTimersByTime(1999);
  expect([socket.destroyed, lingering.size]).toEqual([false, 1]);
  vi.advanceTimersByTime(1);
  expect(await closed).toBe('cut off');
  expect(lingering.size).toBe(0);
});

it('a socket that has closed leaves nothing behind, no timer either', async () => {
  const lingering = new LingeringSockets();
  const socket = new PassThrough();
  lingering.end(socket, 'the last response');
  expect([lingering.size, vi.getTimerCount()]).toEqual([1, 1]);
  await finished(socket);
  expect([lingering.size, vi.getTimerCount()]).toEqual([0, 0]);
});

it('a socket that was closed before leaves nothing behind either', async () => {
  const lingering = new LingeringSockets();
  const socket = new PassThrough();
  const closed = finished(socket).catch(() => 'cut off');
  socket.destroy();
  expect(await closed).toBe('cut off');
  lingering.add(socket);
  expect([lingering.size, vi.getTimerCount()]).toEqual([0, 0]);
});
