import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer as createTcpServer, type ListenOptions } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import koffi from 'koffi';
import { describe, expect, it } from 'vitest';
import { createServer } from '../../dist/index.js';
import { descriptorOf } from '../../dist/system/descriptor.js';
import { loadSystemCalls } from '../../dist/system/system-calls.js';
import { Client, refusal } from '../e2e/client.js';
import { builtIn, RecordingLog } from '../e2e/serving.js';

const calls = await loadSystemCalls();

/** A descriptor of a socket that listens, of which nothing else in this process knows. */
async function listeningDescriptor(options: ListenOptions): Promise<{ readonly fd: number; readonly port: number }> {
  const server = createTcpServer().listen(options);
  await once(server, 'listening');
  const fd = calls.duplicate(descriptorOf(server));
  const { port } = server.address() as AddressInfo;
  server.close();
  return { fd, port };
}

const create = (threads: number) => createServer({ handler: builtIn('echo'), threads, log: new RecordingLog() });

const temporary = () => mkdtempSync(join(tmpdir(), 'wsloom-'));

describe.skipIf(process.platform === 'win32').each([0, 1])('a server on a descriptor, threads: %i', (threads) => {
  it('of a TCP socket listens there, with the Hosts of its address', async () => {
    const { fd, port } = await listeningDescriptor({ port: 0, host: '127.0.0.1' });
    const server = create(threads);
    const url = `ws://127.0.0.1:${port}`;
    expect(await server.listen({ fd })).toEqual({ host: '127.0.0.1', port, url });
    expect(server.address()).toEqual({ host: '127.0.0.1', port, url });
    using client = await Client.open(url);
    client.send('hello');
    expect(await client.text()).toBe('hello');
    expect(await refusal(url, { headers: { Host: 'example.org' } })).toMatchObject({ status: 403 });
    await server.close();
    expect(await client.closed).toMatchObject({ code: 1001 });
    const socket = connect(port, '127.0.0.1');
    await expect(once(socket, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('of a unix socket listens there, and leaves the file to whoever has made it', async () => {
    const path = join(temporary(), 'a.sock');
    const { fd } = await listeningDescriptor({ path: `${path}.1` });
    // Node has removed its name when it closed its own descriptor; the socket keeps the path that it was bound to.
    const server = create(threads);
    expect(await server.listen({ fd })).toEqual({ path: `${path}.1`, url: `ws+unix:${path}.1:/` });
    await server.close();
    rmSync(dirname(path), { recursive: true });
  });
});

describe.skipIf(process.platform === 'win32')('a descriptor', () => {
  it.runIf(existsSync('/proc/self/fd'))('is not inherited by processes that are started then', async () => {
    const { fd } = await listeningDescriptor({ port: 0, host: '127.0.0.1' });
    const fcntl = koffi.load(null).func('int fcntl(int fd, int command, ...)');
    fcntl(fd, 2, 'int', 0); // F_SETFD: as descriptors are that come from another process
    const isInherited = () => spawnSync('test', ['-S', `/proc/self/fd/${fd}`]).status === 0;
    expect(isInherited()).toBe(true);
    const server = create(0);
    await server.listen({ fd });
    expect(isInherited()).toBe(false);
    await server.close();
  });

  it('that is no socket is refused', async () => {
    const fd = openSync('/dev/null', 'r');
    await expect(create(0).listen({ fd })).rejects.toMatchObject({
      name: 'ListenError',
      code: 'ENOTSOCK',
      message: `descriptor ${fd} is no socket: a server listens on a socket only`,
    });
    closeSync(fd);
  });

  it('that is not open is refused', async () => {
    await expect(create(0).listen({ fd: 9999 })).rejects.toMatchObject({
      name: 'ListenError',
      code: 'EBADF',
      message: 'descriptor 9999 is not open: whoever starts this process must pass it on',
    });
  });

  it('of a connection is refused', async () => {
    const listening = createTcpServer().listen(0, '127.0.0.1');
    await once(listening, 'listening');
    const socket = connect((listening.address() as AddressInfo).port, '127.0.0.1');
    await once(socket, 'connect');
    const fd = calls.duplicate(descriptorOf(socket));
    socket.destroy();
    await expect(create(0).listen({ fd })).rejects.toMatchObject({
      name: 'ListenError',
      code: 'EINVAL',
      message: expect.stringMatching(/^descriptor \d+ cannot be listened on \(EINVAL\): it must be .*Accept=no/),
    });
    listening.close();
  });
});
