import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EnginePressure } from '../../dist/fleet/engine-pressure.js';

const STALL_MS = 1000;
let told: boolean[] = [];
let pressure: EnginePressure;

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  pressure = new EnginePressure(STALL_MS, (isSlow) => told.push(isSlow));
});

afterEach(() => {
  vi.useRealTimers();
});

test('an engine that takes everything holds nobody back', () => {
  expect(pressure.admits(2 ** 40)).toBe(true);
  pressure.drain();
  expect(told).toEqual([]);
  expect(pressure).toMatchObject({ isSlow: false, isFull: false });
});

test('publishers wait from the first time that the engine is full until it is drained', () => {
  pressure.fill();
  pressure.fill();
  expect(pressure).toMatchObject({ isSlow: true, isFull: true });
  vi.advanceTimersByTime(STALL_MS - 1);
  pressure.drain();
  pressure.drain();
  expect(told).toEqual([true, false]);
  expect(pressure).toMatchObject({ isSlow: false, isFull: false });
  expect(vi.getTimerCount()).toBe(0);
});

test('after the time nobody waits, and all is dropped until the engine is drained', () => {
  pressure.fill();
  expect(pressure.admits(10)).toBe(true);
  vi.advanceTimersByTime(STALL_MS);
  expect(told).toEqual([true, false]);
  expect(pressure).toMatchObject({ isSlow: false, isFull: true });
  expect(pressure.admits(10)).toBe(false);
  pressure.fill();
  expect(told).toEqual([true, false]);
  pressure.drain();
  expect(told).toEqual([true, false]);
  expect(pressure.admits(10)).toBe(true);
  pressure.fill();
  expect(told).toEqual([true, false, true]);
});

test('what still comes while the engine is slow is bounded, but one message always goes', () => {
  pressure.fill();
  expect(pressure.admits(2 ** 30)).toBe(true);
  expect(pressure.admits(1)).toBe(false);
  pressure.drain();
  pressure.fill();
  let admitted = 0;
  while (pressure.admits(2 ** 20)) admitted++;
  expect(admitted).toBe(8);
});

test('with no time to wait, nobody ever waits', () => {
  pressure = new EnginePressure(0, (isSlow) => told.push(isSlow));
  pressure.fill();
  expect(pressure).toMatchObject({ isSlow: false, isFull: true });
  expect(pressure.admits(1)).toBe(false);
  pressure.drain();
  expect(pressure.admits(1)).toBe(true);
  expect(told).toEqual([]);
});
