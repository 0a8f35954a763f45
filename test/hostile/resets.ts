import { once } from 'node:events';
import { pattern } from '../e2e/pattern.js';
import { encodeFrame, encodeRequest, Opcode, RawClient } from '../e2e/raw-client.js';
import type { Served } from '../e2e/serving.js';

const AT_ONCE = 50;
const MESSAGE = encodeFrame(Opcode.BINARY, pattern(1, 20_000));

type Leave = (client: RawClient, i: number) => void | Promise<void>;

/** The stages at which clients leave without a Close. */
const PLACES: Readonly<Record<string, Leave>> = {
  'at once': () => {},
  'mid-handshake': (client, i) => {
    const request = encodeRequest('/');
    return written(client, request.slice(0, i % request.length));
  },
  'mid-hand-off': (client) => written(client, encodeRequest('/')),
  'mid-hand-off, with a frame behind the request': (client) => written(client, encodeRequest('/'), MESSAGE),
  'mid-frame': async (client, i) => {
    client.socket.write(encodeRequest('/'));
    await client.response;
    await written(client, MESSAGE.subarray(0, 1 + ((i * 997) % (MESSAGE.length - 1))));
  },
  'mid-echo': async (client) => {
    client.socket.write(encodeRequest('/'));
    await client.response;
    await written(client, MESSAGE, MESSAGE, MESSAGE);
  },
};

/** Connects this many clients. Each resets or closes its connection at some stage. */
export async function connectAndReset({ port }: Served, count: number): Promise<void> {
  const places = Object.values(PLACES);
  const leave = async (i: number) => {
    const client = await RawClient.connect(port);
    await places[i % places.length]?.(client, i);
    if (i % 7 === 0) client.socket.destroy();
    else client.reset();
    await client.closed;
  };
  let next = 0;
  const leaveInTurn = async () => {
    while (next < count) await leave(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, leaveInTurn));
}

/** Resolves when the kernel has everything, or the connection is lost. */
async function written(client: RawClient, ...parts: readonly (string | Uint8Array)[]): Promise<void> {
  for (const part of parts) client.socket.write(part);
  if (client.socket.writableNeedDrain) await Promise.race([once(client.socket, 'drain'), client.closed]);
}
