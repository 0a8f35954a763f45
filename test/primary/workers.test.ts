import { fstatSync, openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Counter, Counters } from '../../dist/connection/counters.js';
import { Exchange } from '../../dist/host/exchange.js';
import { abandon } from '../../dist/primary/worker-link.js';
import { resolveOptions } from '../../dist/primary/options.js';
import { Workers } from '../../dist/primary/workers.js';
import { builtIn, RecordingLog, until } from '../e2e/serving.js';

describe.runIf(process.platform === 'linux')('workers', () => {
  it('count what they could not host as over, and say so: there is as much load as before', async () => {
    const log = new RecordingLog();
    const options = resolveOptions({ handler: builtIn('echo'), threads: 2, log });
    const over: number[] = [];
    const past = new Counters();
    const workers: Workers = new Workers(
      {
        ...options,
        isReplaced: () => false,
        placeElsewhere: (handOff) => abandon([handOff]),
        onClosed: (id) => void over.push(id),
      },
      new Exchange().bus,
      past,
      () => workers.links,
    );
    await workers.start();
    try {
      const info = { remoteAddress: undefined, path: '/', query: '', subprotocol: '', data: undefined };
      const noSockets = Array.from({ length: 4 }, () => openSync('/dev/null', 'r'));
      for (const [id, fd] of noSockets.entries()) workers.place({ fd, info: { id, ...info }, head: new Uint8Array(0) });
      expect(workers.load).toBe(4);
      await until(() => over.length === 4);
      await until(() => workers.load === 0);
      await log.line(/cannot take over the socket of connection \d/);
      for (const fd of noSockets) expect(() => fstatSync(fd)).toThrow(/EBADF/);
      // Nobody is taken to have more of them than others.
      const fds = [openSync('/dev/null', 'r'), openSync('/dev/null', 'r')];
      for (const [id, fd] of fds.entries()) workers.place({ fd, info: { id, ...info }, head: new Uint8Array(0) });
      expect(workers.links.map(({ load }) => load)).toEqual([1, 1]);
      await until(() => over.length === 6);
    } finally {
      await workers.drain(100);
    }
    expect(past.get(Counter.CONNECTIONS)).toBe(0);
    expect(workers.load).toBe(0);
  });
});
