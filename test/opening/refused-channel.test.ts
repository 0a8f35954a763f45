import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setImmediate as nextPhase } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { LingeringSockets } from '../../dist/opening/lingering-sockets.js';
import { noteUnanswered } from '../../dist/opening/unanswered-refusal.js';
import { UpgradeRefusals } from '../../dist/opening/upgrade-refusals.js';
import { ignoreError, StreamUpgradeSocket } from '../../dist/opening/upgrade-socket.js';
import { Counter, Counters } from '../../dist/telemetry/counters.js';
import { IncidentLog } from '../../dist/telemetry/incident-log.js';
import { LimitIncident } from '../../dist/telemetry/limit-incident.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';
import { duplexPair } from '../host/duplex-pair.js';
import { uncaughtOf } from '../telemetry/uncaught.js';

const PEER = '192.0.2.1';
const NAME = 'wsloom:refused';

function listen(listener: (event: unknown) => void): void {
  subscribe(NAME, listener);
  onTestFinished(() => void unsubscribe(NAME, listener));
}

/** A log of nothing, which is over with the test: what it repeats a second later would come during another test. */
function silentLog(): ThrottledLog {
  const log = new ThrottledLog(() => {});
  onTestFinished(() => log.flush());
  return log;
}

/** Refuses one client. @returns what it is answered */
async function refuse(how: (refusals: UpgradeRefusals, socket: StreamUpgradeSocket) => void): Promise<string> {
  const refusals = new UpgradeRefusals(new LingeringSockets(), new IncidentLog(new Counters(), silentLog()));
  const [ours, theirs] = duplexPair();
  ours.on('error', ignoreError);
  how(refusals, new StreamUpgradeSocket(ours, PEER, new Uint8Array(0)));
  await nextPhase();
  return String(theirs.read() ?? '');
}

it('tells the status, the text and the address of a client that is refused', async () => {
  const events: unknown[] = [];
  listen((event) => events.push(event));
  await refuse((refusals, socket) => refusals.refuse(socket, 404, 'there is no WebSocket on this path\n'));
  await refuse((refusals, socket) => refusals.refuseUnavailable(socket, 'going away'));
  await refuse((refusals, socket) => refusals.sendLast(socket, 401, '', 'HTTP/1.1 401 Unauthorized\r\n\r\n'));
  expect(events).toEqual([
    { status: 404, reason: 'there is no WebSocket on this path', remoteAddress: PEER },
    { status: 503, reason: 'going away', remoteAddress: PEER },
    { status: 401, reason: '', remoteAddress: PEER },
  ]);
});

it('tells no more than 200 characters of an answer', async () => {
  const events: { readonly reason: string }[] = [];
  listen((event) => events.push(event as { readonly reason: string }));
  await refuse((refusals, socket) => refusals.refuse(socket, 403, 'x'.repeat(10_000)));
  expect(events.map(({ reason }) => reason)).toEqual(['x'.repeat(200)]);
});

it('answers all the same if a subscriber throws, which Node throws again in a later tick', async () => {
  const error = new Error('broken');
  listen(() => {
    throw error;
  });
  let answer = '';
  const thrown = await uncaughtOf(async () => {
    answer = await refuse((refusals, socket) => refusals.refuse(socket, 404, 'nothing here\n'));
  });
  expect(answer).toMatch(/^HTTP\/1\.1 404 /);
  expect(thrown).toEqual([error]);
});

it('tells that a client is refused without an answer, and with what text it would have been', () => {
  const events: unknown[] = [];
  listen((event) => events.push(event));
  const counters = new Counters();
  const refusal = { incident: LimitIncident.REFUSED_FULL, body: 'full\n' };
  const incidents = new IncidentLog(counters, silentLog());
  noteUnanswered(incidents, refusal, PEER);
  noteUnanswered(incidents, refusal, undefined);
  expect(events).toEqual([
    { status: undefined, reason: 'full', remoteAddress: PEER },
    { status: undefined, reason: 'full', remoteAddress: undefined },
  ]);
  expect([counters.get(Counter.REFUSED_FULL), counters.get(Counter.REFUSED_UNANSWERED)]).toEqual([2, 2]);
});
