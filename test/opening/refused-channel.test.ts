import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setImmediate as nextPhase } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { LingeringSockets } from '../../dist/opening/lingering-sockets.js';
import { UpgradeRefusals } from '../../dist/opening/upgrade-refusals.js';
import { ignoreError, StreamUpgradeSocket } from '../../dist/opening/upgrade-socket.js';
import { Counters } from '../../dist/telemetry/counters.js';
import { IncidentLog } from '../../dist/telemetry/incident-log.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';
import { duplexPair } from '../host/duplex-pair.js';

const PEER = '192.0.2.1';
const NAME = 'wsloom:refused';

function listen(listener: (event: unknown) => void): void {
  subscribe(NAME, listener);
  onTestFinished(() => void unsubscribe(NAME, listener));
}

/** Refuses one client. @returns what it is answered, and what is logged */
async function refuse(how: (refusals: UpgradeRefusals, socket: StreamUpgradeSocket) => void) {
  const lines: string[] = [];
  const log = new ThrottledLog(({ line }) => lines.push(line));
  const refusals = new UpgradeRefusals(new LingeringSockets(), new IncidentLog(new Counters(), log));
  const [ours, theirs] = duplexPair();
  ours.on('error', ignoreError);
  how(refusals, new StreamUpgradeSocket(ours, PEER, new Uint8Array(0)));
  await nextPhase();
  return { answer: String(theirs.read() ?? ''), lines };
}

it('tells the status, the text and the address of a client that is refused', async () => {
  const events: unknown[] = [];
  listen((event) => events.push(event));
  await refuse((refusals, socket) => refusals.refuse(socket, 404, 'there is no WebSocket on this path\n'));
  await refuse((refusals, socket) => refusals.refuseUnavailable(socket, 'going away'));
  await refuse((refusals, socket) => refusals.refuseAsDecided(socket, 401, '', 'HTTP/1.1 401 Unauthorized\r\n\r\n'));
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

it('answers all the same if a subscriber throws, and reports that', async () => {
  listen(() => {
    throw new Error('broken');
  });
  const { answer, lines } = await refuse((refusals, socket) => refusals.refuse(socket, 404, 'nothing here\n'));
  expect(answer).toMatch(/^HTTP\/1\.1 404 /);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^a subscriber of wsloom:refused failed: Error: broken/);
});
