import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { descriptorLimit } from '../../dist/system/descriptor.js';
import { encodeRequest } from './raw-client.js';
import { expectNoLeaks } from './resetting.js';
import { builtIn, primaryHasRead, serve, until } from './serving.js';

describe.runIf(process.platform === 'linux').each([0, 1, 2])('with threads: %i', (threads) => {
  it('thousands of clients that go at any stage of the hand-off leave no descriptor behind', async () => {
    await expectNoLeaks(threads, 9000, 225);
  });
});

/** More connections than may be on their way to a worker at a time. */
const STORM = 5000;

// Each takes a descriptor of the client, and up to two of the server, all in this process.
it.runIf(process.platform === 'linux' && descriptorLimit() > 3.2 * STORM)(
  'thousands of clients whose requests are read in one turn all reach the only worker',
  async () => {
    await using served = await serve({ handler: builtIn('echo'), threads: 1, maxConnections: 2 * STORM });
    const sockets: Socket[] = [];
    try {
      while (sockets.length < STORM) {
        const socket = connect({ port: served.port, host: '127.0.0.1' });
        socket.on('error', () => {}); // the count shows it
        sockets.push(socket);
        await once(socket, 'connect');
      }
      await primaryHasRead(served); // all are accepted
      const request = encodeRequest('/');
      for (const socket of sockets) socket.write(request);
      const complaints = () => served.log.lines.filter((line) => !line.startsWith('info: '));
      await until(() => served.server.stats().connections === STORM || complaints().length > 0);
      expect(complaints()).toEqual([]);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  },
);
