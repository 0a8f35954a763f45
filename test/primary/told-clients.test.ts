import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { EarlyRefusal } from '../../dist/opening/places.js';
import { Admission } from '../../dist/primary/admission.js';
import { ToldClients } from '../../dist/primary/told-clients.js';

const remoteAddress = '192.0.2.1';

let admission: Admission;
let clients: ToldClients;
/** The answers so far, by the ids of the connections. */
let answers: Map<number, EarlyRefusal | undefined>;

beforeEach(() => {
  vi.useFakeTimers();
  admission = new Admission({ maxConnections: 1000, maxConnectionsPerIp: 1 });
  clients = new ToldClients(admission);
  answers = new Map();
});

afterEach(() => {
  vi.useRealTimers();
});

function judge(id: number, isThere = () => true): void {
  clients.judge({ id, remoteAddress }, { isThere, answer: (refusal) => answers.set(id, refusal) });
}

it('a client within the limit counts from when it is judged, until its connection leaves', () => {
  judge(1);
  expect(answers).toEqual(new Map([[1, undefined]]));
  expect(admission.refusalOfAddress({ remoteAddress })).toMatchObject({ status: 503 });
  admission.leave(1);
  expect(admission.addresses).toBe(0);
});

it('a client above the limit is refused when it has been judged for 100 ms, and does not count', () => {
  judge(1);
  judge(2);
  vi.advanceTimersByTime(99);
  expect(answers.size).toBe(1);
  vi.advanceTimersByTime(1);
  expect(answers.get(2)).toMatchObject({ status: 503, body: expect.stringContaining('maxConnectionsPerIp') });
  admission.leave(1);
  expect(admission.addresses).toBe(0);
});

it('a client that comes back is let in when its old connection has left', () => {
  judge(1);
  judge(2);
  admission.leave(1);
  vi.advanceTimersByTime(25);
  expect(answers.get(2)).toBeUndefined();
  expect(answers.size).toBe(2);
});

it('a connection that is over takes no place, which nobody would give back', () => {
  judge(1, () => false);
  expect(answers.size).toBe(1);
  expect(admission.addresses).toBe(0);
  judge(2);
  let isThere = true;
  judge(3, () => isThere);
  isThere = false;
  admission.leave(2);
  vi.advanceTimersByTime(25);
  expect(answers.size).toBe(3);
  expect(admission.addresses).toBe(0);
});

it('a connection that another worker asks for, because the first has died, counts once', () => {
  judge(1);
  answers.clear();
  judge(1);
  expect(answers).toEqual(new Map([[1, undefined]])); // its own place does not keep it out
  admission.leave(1);
  expect(admission.addresses).toBe(0);
});
