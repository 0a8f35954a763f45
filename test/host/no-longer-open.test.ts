import { openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { Host } from '../../dist/host/host.js';
import { DEFAULT_BUS_LIMITS, ThreadPublishing } from '../../dist/host/thread-publishing.js';
import { THRESHOLDS } from '../../dist/kernels/thresholds.js';
import { loadSystemCalls } from '../../dist/system/system-calls.js';
import { Counters } from '../../dist/telemetry/counters.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';
import { NO_LIMITS } from '../connection/thread.js';
import { duplexPair } from './duplex-pair.js';

const calls = await loadSystemCalls();
const MIB = 1024 * 1024;
const NOTHING = new Uint8Array(0);
const INFO = { remoteAddress: undefined, path: '/', query: '', subprotocol: '', data: undefined };

/** A host, and the ids of the connections of which it has said that they are not open any more. */
function makeHost() {
  const over: number[] = [];
  const options = {
    arenaBytes: 8 * MIB,
    kernel: 'auto' as const,
    thresholds: THRESHOLDS,
    limits: NO_LIMITS,
    maxBufferedBytes: 2 ** 40,
    buffered: new SharedArrayBuffer(4),
    maxClosing: 100,
    bus: DEFAULT_BUS_LIMITS,
    poison: true,
  };
  const log = new ThrottledLog(() => {});
  const host = new Host({
    options,
    handler: {},
    publishing: new ThreadPublishing(),
    counters: new Counters(),
    log,
    onNoLongerOpen: (id) => over.push(id),
    calls,
  });
  return { host, over };
}

it('says of a connection that it could not take over that it is not open, so that its place is free again', () => {
  const { host, over } = makeHost();
  const noSocket = openSync(fileURLToPath(import.meta.url), 'r');
  expect(() => host.adopt({ fd: noSocket, info: { id: 7, ...INFO }, head: NOTHING })).toThrow();
  expect(over).toEqual([7]);
  expect(host.size).toBe(0);
});

it('says of each connection once that it is not open any more', async () => {
  const { host, over } = makeHost();
  const [ours] = duplexPair();
  host.adoptStream({ stream: ours, info: { id: 8, ...INFO }, head: NOTHING });
  expect(host.size).toBe(1);
  await host.drain(0);
  expect(over).toEqual([8]);
  expect(host.size).toBe(0);
});
