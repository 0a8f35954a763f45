import { createServer } from 'node:net';
import { expect, it, vi } from 'vitest';
import { listening } from '../../dist/primary/listening.js';

it('asks the kernel to hold 4096 connections that wait to be accepted', async () => {
  const server = createServer();
  const listen = vi.spyOn(server, 'listen');
  await listening(server, { port: 0, host: '127.0.0.1' });
  server.close();
  expect(listen.mock.calls[0]?.[0]).toEqual({ port: 0, host: '127.0.0.1', backlog: 4096 });
});

it('fails if the server is closed meanwhile', async () => {
  const server = createServer();
  const pending = listening(server, { port: 0, host: '127.0.0.1' });
  server.close();
  await expect(pending).rejects.toMatchObject({ name: 'ServerStateError' });
});
