import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { clientFrame, pattern, TEXT } from '../connection/frames.js';
import { deflated } from '../kernels/deflated.js';
import { CHROME, MODES, type Running } from './compressing.js';
import { encodeRequest } from './raw-client.js';
import { until } from './serving.js';

const MIB = 1024 * 1024;
/** How many connections come and go: with one mode as many as may show anything, with others enough to show that they are no different. */
const CASES = MODES.slice(0, 3).map(([name, begin], i) => [i === 0 ? 100_000 : 20_000, name, begin] as const);
const AT_ONCE = 32;
/** What may be left of the last nine tenths of the cycles, in bytes: a window of each would be 300 MiB. Young generations may still grow. */
const HEAP_TOLERANCE_BYTES = 2 * MIB;
const RESIDENT_TOLERANCE_BYTES = 64 * MIB;

const RSV1 = 0x40;
const REQUEST = encodeRequest('/', [`Sec-WebSocket-Extensions: ${CHROME}`]);
const MESSAGE = clientFrame(RSV1 | TEXT, deflated(Buffer.from(pattern(1500).toString('base64'))));

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Connects, sends a compressed message, and resets the connection: at once, when it is open, or when the answer has come. */
function cycle(port: number, stage: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let received = '';
    socket.on('error', reject);
    socket.on('close', () => resolve());
    socket.on('connect', () => {
      socket.write(Buffer.concat([Buffer.from(REQUEST), MESSAGE]), () => {
        if (stage === 0) socket.resetAndDestroy();
      });
    });
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1');
      const [, behind = ''] = received.split('\r\n\r\n');
      if (stage === 1 || (received.includes('\r\n\r\n') && behind.length > 0)) socket.resetAndDestroy();
    });
  });
}

async function cycles({ port }: Running, count: number): Promise<void> {
  let begun = 0;
  const one = async () => {
    while (begun < count) await cycle(port, begun++ % 4);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

/** What the process holds when nothing happens. */
async function settled({ stats }: Running) {
  await until(() => stats().connections === 0 && stats().pendingUpgrades === 0);
  expect(stats().windowBytes).toBe(0);
  expect(stats().compressed).toBe(0);
  collectGarbage();
  const { rss, heapUsed } = process.memoryUsage();
  return { descriptors: readdirSync('/proc/self/fd').length, rss, heapUsed };
}

describe.runIf(process.platform === 'linux').each(CASES)('%i connections that come and go: %s', (count, _, begin) => {
  it('leave no window, no descriptor and no memory, at whatever stage they are reset', async () => {
    const running = await begin({ deflate: { contextTakeover: true }, maxConnectionsPerIp: 1000 });
    try {
      await cycles(running, count / 10);
      const before = await settled(running);
      await cycles(running, (count * 9) / 10);
      const after = await settled(running);
      const { inflatedMessages, protocolErrors } = running.stats();
      expect(inflatedMessages).toBeGreaterThan(count / 3);
      expect(protocolErrors).toBe(0);
      expect(after.descriptors).toBe(before.descriptors);
      expect(after.heapUsed - before.heapUsed).toBeLessThan(HEAP_TOLERANCE_BYTES);
      expect(after.rss - before.rss).toBeLessThan(RESIDENT_TOLERANCE_BYTES);
    } finally {
      await running.end();
    }
  });
});
