import { once } from 'node:events';
import { expect, test } from 'vitest';
import type { Connection } from '../../dist/connection/connection.js';
import { Host } from '../../dist/host/host.js';
import { DEFAULT_BUS_LIMITS, ThreadPublishing } from '../../dist/host/thread-publishing.js';
import { THRESHOLDS } from '../../dist/kernels/thresholds.js';
import { type DeflateDirection, numberOfAgreement } from '../../dist/protocol/deflate/agreement.js';
import { Counters } from '../../dist/telemetry/counters.js';
import { reportTo, ThrottledLog } from '../../dist/telemetry/throttled-log.js';
import { BINARY, CLOSE, clientClose, clientFrame, letters, shown, TEXT } from '../connection/frames.js';
import { InflatingPeer, shownAll } from '../connection/inflating-peer.js';
import { NO_LIMITS } from '../connection/thread.js';
import { duplexPair } from './duplex-pair.js';

const MIB = 1024 * 1024;
const OWN: DeflateDirection = { windowBits: 10, contextTakeover: true };

test('a host that is drained compresses what was sent, and then closes', async () => {
  const text = letters(2 * MIB).replace(/[f-z]/g, ' ');
  const log: string[] = [];
  const note = (line: string) => void log.push(line);
  const host = new Host({
    options: {
      arenaBytes: 8 * MIB,
      kernel: 'auto',
      compression: { kernel: 'auto', level: 'fast', thresholdBytes: 32 },
      thresholds: THRESHOLDS,
      limits: NO_LIMITS,
      maxClosing: 100,
      bus: DEFAULT_BUS_LIMITS,
      maxBufferedBytes: 2 ** 40,
      buffered: new SharedArrayBuffer(4),
      poison: true,
    },
    handler: {
      message(connection: Connection) {
        connection.send(text);
        connection.send(Buffer.from(text.slice(0, 100)));
      },
    },
    publishing: new ThreadPublishing(),
    counters: new Counters(),
    log: new ThrottledLog(reportTo({ info: note, warn: note, error: note })),
    onNoLongerOpen: () => {},
    calls: undefined,
  });
  const [server, client] = duplexPair();
  const received: Buffer[] = [];
  client.on('data', (bytes: Buffer) => void received.push(bytes));
  const agreed = { own: OWN, peer: OWN };
  const about = { id: 1, remoteAddress: undefined, path: '/', query: '', subprotocol: '', data: undefined };
  host.adoptStream({
    stream: server,
    info: { ...about, deflate: numberOfAgreement(agreed) },
    head: clientFrame(TEXT, 'go'),
  });
  const drained = host.drain(15_000);
  const ended = once(client, 'end');
  client.write(clientClose(1001)); // crosses the server's, which comes behind all that was sent
  await ended;
  client.end();
  await drained;
  const frames = new InflatingPeer(OWN).read(Buffer.concat(received));
  expect(shownAll(frames).slice(0, 2)).toEqual([`~${shown(TEXT, text)}`, `~${shown(BINARY, text.slice(0, 100))}`]);
  expect(frames.map(({ opcode }) => opcode)).toEqual([TEXT, BINARY, CLOSE]);
  expect(log).toEqual([]);
});
