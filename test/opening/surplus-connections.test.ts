import { Socket } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { EarlyRefusal } from '../../dist/opening/places.js';
import { type SurplusConnection, SurplusConnections } from '../../dist/opening/surplus-connections.js';
import { Counter, Counters } from '../../dist/telemetry/counters.js';
import { IncidentLog } from '../../dist/telemetry/incident-log.js';
import { LimitIncident } from '../../dist/telemetry/limit-incident.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';

const FULL: EarlyRefusal = { status: 503, body: 'full\n', incident: LimitIncident.REFUSED_FULL };
/** The places of one network: 8, and 2 of the reserve. */
const PLACES = 8 + 2;

let counters: Counters;
/** The connections that have a place, by their sockets. */
let taken: Map<Socket, SurplusConnection>;
let replaced: Socket[];
let surplus: SurplusConnections;

/** A connection that comes now; all are of one network. @returns undefined if it found no place */
function come(): SurplusConnection | undefined {
  const socket = new Socket();
  Object.defineProperty(socket, 'remoteAddress', { value: '192.0.2.1' });
  const connection = surplus.take(socket, FULL);
  if (connection === undefined) expect(socket.destroyed).toBe(true);
  else taken.set(socket, connection);
  return connection;
}

const comeAll = (count: number) => Array.from({ length: count }, () => come() as SurplusConnection);

const refusals = () => [counters.get(Counter.REFUSED_FULL), counters.get(Counter.REFUSED_UNANSWERED)];

beforeEach(() => {
  vi.useFakeTimers();
  counters = new Counters();
  taken = new Map();
  replaced = [];
  const incidents = new IncidentLog(counters, new ThrottledLog(() => {}));
  surplus = new SurplusConnections({
    incidents,
    onReplaced: (socket) => {
      expect(socket.destroyed).toBe(false);
      replaced.push(socket);
      taken.get(socket)?.leave();
    },
  });
});

afterEach(() => {
  for (const connection of taken.values()) connection.leave();
  vi.useRealTimers();
});

it('the oldest connection that has sent no request loses its place to a newcomer, and both incidents are counted', () => {
  const [asking, silent] = comeAll(PLACES) as [SurplusConnection, SurplusConnection];
  asking.hasRequest = true;
  expect(refusals()).toEqual([0, 0]);
  expect(come()).toBeDefined();
  expect(replaced).toEqual([silent.socket]);
  expect([asking.socket.destroyed, silent.socket.destroyed]).toEqual([false, true]);
  expect(refusals()).toEqual([1, 1]);
});

it('a newcomer is destroyed without an answer if all others have sent requests', () => {
  for (const connection of comeAll(PLACES)) connection.beginAnswer();
  expect(come()).toBeUndefined();
  expect(replaced).toEqual([]);
  expect(refusals()).toEqual([1, 1]);
});

it('a connection that leaves makes room for another one, and is not destroyed later', () => {
  const connections = comeAll(PLACES);
  for (const connection of connections) connection.beginAnswer();
  connections[PLACES - 1]?.leave(); // from the reserve
  connections[0]?.leave();
  for (const connection of comeAll(2)) connection.beginAnswer();
  expect(come()).toBeUndefined();
  vi.advanceTimersByTime(10_000);
  expect(connections.map(({ socket }) => socket.destroyed)).toEqual([false, ...Array(PLACES - 2).fill(true), false]);
});

it('a connection has 1 s for its request, and 2 s more for the answer', () => {
  const [silent, asking] = comeAll(2) as [SurplusConnection, SurplusConnection];
  vi.advanceTimersByTime(999);
  asking.beginAnswer();
  expect(silent.socket.destroyed).toBe(false);
  vi.advanceTimersByTime(1);
  expect(silent.socket.destroyed).toBe(true);
  vi.advanceTimersByTime(1998);
  expect(asking.socket.destroyed).toBe(false);
  vi.advanceTimersByTime(1);
  expect(asking.socket.destroyed).toBe(true);
});
