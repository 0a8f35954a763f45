import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ServerTls } from '../../dist/primary/server-tls.js';
import { ThrottledLog } from '../../dist/telemetry/throttled-log.js';
import { readTlsOptions } from '../../dist/tls/read-tls-options.js';
import type { TlsMaterial } from '../../dist/tls/tls-material.js';
import { pair, pem } from '../tls/certificates.js';

const EXPIRED = /^tls: the certificate has expired/;
const DAY_MS = 86_400_000;

let lines: string[];
let brought: TlsMaterial[];
let refuses: boolean;
let opened: ServerTls[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
  [lines, brought, refuses, opened] = [[], [], false, []];
});
afterEach(() => {
  for (const one of opened) one.close();
  vi.useRealTimers();
});

async function start(name: string): Promise<ServerTls> {
  const tls = await ServerTls.start({
    description: readTlsOptions(pair(name)),
    log: new ThrottledLog(({ line }) => void lines.push(line)),
    onMaterial: (material) => {
      if (refuses) throw new Error('a thread cannot take it');
      brought.push(material);
    },
  });
  opened.push(tls);
  return tls;
}

it('the certificates of a start are warned of, and so are those of a reload, and no others', async () => {
  const tls = await start('default');
  expect([lines, brought]).toEqual([[], []]);
  await tls.reload(readTlsOptions(pair('expired')));
  expect(lines).toEqual([expect.stringMatching(EXPIRED)]);
  expect(brought).toEqual([tls.material]);
  expect(tls.certificates[0]?.daysLeft).toBeLessThan(0);
  await tls.reload(readTlsOptions(pair('a')));
  vi.advanceTimersByTime(2 * DAY_MS);
  expect(lines.length).toBe(1);
});

it('certificates that threads do not take are neither in use nor warned of', async () => {
  const tls = await start('default');
  refuses = true;
  await expect(tls.reload(readTlsOptions(pair('expired')))).rejects.toThrow('a thread cannot take it');
  expect(tls.material.byDefault.cert).toEqual([pem('default.crt')]);
  vi.advanceTimersByTime(2 * DAY_MS);
  expect(lines).toEqual([]);
});

it('nothing is warned of after the end, and no timer is left', async () => {
  const tls = await start('expired');
  expect(lines).toEqual([expect.stringMatching(EXPIRED)]);
  vi.advanceTimersByTime(DAY_MS);
  expect(lines.length).toBe(2);
  tls.close();
  expect(vi.getTimerCount()).toBe(0);
});
