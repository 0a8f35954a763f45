import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EngineStates } from '../../dist/primary/engine-states.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';

let lines: string[];
/** What the application was told. */
let told: string[];

function statesOf(names: readonly string[], keeps = false): EngineStates {
  const log = new ThrottledLog(({ level, line }) => lines.push(`${level}: ${line}`));
  return new EngineStates({ names, log, keeps, onChange: (state) => told.push(state) });
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  lines = [];
  told = [];
});

afterEach(() => {
  vi.useRealTimers();
});

test('an engine that is connected at once is in the log, and the application is told nothing', () => {
  const states = statesOf(['nats']);
  expect([states.isDegraded, states.isLost]).toEqual([true, false]); // nobody knows yet
  states.note(0, 'connected', undefined);
  states.note(0, 'connected', undefined);
  expect(lines).toEqual(['info: backplane nats: connected']);
  expect([told, states.isDegraded, states.isLost, states.isConnected(0)]).toEqual([[], false, false, true]);
});

test('a loss and the return are told once each, with the time between them', () => {
  const states = statesOf(['nats']);
  states.note(0, 'connected', undefined);
  vi.advanceTimersByTime(5000);
  states.note(0, 'lost', 'it has gone');
  states.note(0, 'lost', 'it is still away');
  expect([told, states.isLost]).toEqual([['lost'], true]);
  vi.advanceTimersByTime(3000);
  expect(states.health).toEqual([{ name: 'nats', state: 'lost', seconds: 3 }]);
  states.note(0, 'connected', undefined);
  expect([told, states.isLost]).toEqual([['lost', 'back'], false]);
  expect(lines).toEqual([
    'info: backplane nats: connected',
    'warn: backplane nats: lost: it has gone; trying again, and until it is there nothing goes to other servers',
    'info: backplane nats: connected again after 3 s',
  ]);
});

test('the log says of an engine that was never there that it cannot be reached, and what is kept for it', () => {
  const states = statesOf(['nats'], true);
  states.note(0, 'lost', undefined);
  expect(lines).toEqual([
    'warn: backplane nats: cannot be reached; trying again, and until it is there publications to other servers are kept, up to maxBackplaneBytes',
  ]);
  expect(told).toEqual(['lost']);
});

test('the log says that the start waits for an engine, and why, and the application is told nothing', () => {
  const states = statesOf(['nats', 'redis']);
  states.noteWaiting(1, 'refused', 4900);
  expect(lines).toEqual(['info: backplane redis: not reached yet: refused; the server waits for it, for 5 s at most']);
  expect([told, states.isLost, states.health[1]?.state]).toEqual([[], false, 'lost']);
});

test('the application is told of the first of several engines that is lost, and when the last of them is back', () => {
  const states = statesOf(['redis 1', 'redis 2']);
  for (const index of [0, 1]) states.note(index, 'connected', undefined);
  states.note(1, 'lost', 'gone');
  states.note(0, 'lost', 'gone');
  states.note(1, 'connected', undefined);
  expect([told, states.isDegraded]).toEqual([['lost'], true]);
  expect(states.health.map(({ name, state }) => `${name} ${state}`)).toEqual(['redis 1 lost', 'redis 2 connected']);
  states.note(0, 'connected', undefined);
  expect([told, states.isDegraded]).toEqual([['lost', 'back'], false]);
});
