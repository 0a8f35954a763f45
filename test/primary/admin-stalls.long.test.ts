import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { connect, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { AdminServer } from '../../dist/primary/admin-server.js';
import { reportTo, ThrottledLog } from '../../dist/telemetry/throttled-log.js';
import { RecordingLog } from '../e2e/serving.js';

/** More than the system takes for a client that does not read. */
const MUCH = 'x'.repeat(32_000_000);

/** An admin port whose metrics are very long. @returns its port, and the server's ends of its connections as they come */
async function admin(): Promise<{ readonly port: number; readonly accepted: Promise<Socket> }> {
  const options = { port: 0, host: '127.0.0.1', token: undefined, isOpen: false, allowedHosts: undefined };
  const health = { threads: [], connections: 0, workersLost: 0, workersLostLastMinute: 0, uptimeSeconds: 1 };
  const server = new AdminServer(options, {
    sources: { health: () => ({ ...health, status: 'ok' }), metrics: () => MUCH },
    log: new ThrottledLog(reportTo(new RecordingLog())),
  });
  await server.listen();
  const accepted = new Promise<Socket>((resolve) => {
    const listener = (event: unknown) => resolve((event as { readonly socket: Socket }).socket);
    subscribe('net.server.socket', listener);
    onTestFinished(() => void unsubscribe('net.server.socket', listener));
  });
  onTestFinished(() => server.close());
  return { port: server.address?.port ?? 0, accepted };
}

it.each([
  ['takes nothing of its answer', 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['sends nothing', ''],
  ['does not finish its request', 'GET /metrics HTTP/1.1\r\n'],
])('the admin port ends the connection of a client that %s', async (_, sent) => {
  const { port, accepted } = await admin();
  const client = connect(port, '127.0.0.1').pause();
  onTestFinished(() => void client.destroy());
  client.on('error', () => {}); // 'close' follows
  client.write(sent);
  const socket = await accepted;
  await new Promise<void>((resolve) => (socket.destroyed ? resolve() : socket.once('close', () => resolve())));
  let received = 0;
  client.on('data', ({ length }) => (received += length));
  client.resume();
  await new Promise<void>((resolve) => client.once('close', () => resolve()));
  expect(received).toBeLessThan(MUCH.length);
});
