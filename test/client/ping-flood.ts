import type { Socket } from 'node:net';
import { Opcode } from '../e2e/raw-client.js';
import { frame } from '../protocol/client-frames.js';

/** The number of pings: their pongs are several times as long as the buffers of a connection that is not read. */
export const PINGS = 300_000;

/** The longest payload that a control frame may have. Its first four bytes are the number of the ping. */
const PAYLOAD_BYTES = 125;
const PONG_BYTES = 2 + 4 + PAYLOAD_BYTES;

/** Sends pings, and reads nothing meanwhile. Resolves when the system has taken them all. */
export function floodWithPings(socket: Socket): Promise<void> {
  const ping = frame({ opcode: Opcode.PING, payload: Buffer.alloc(PAYLOAD_BYTES), key: null });
  const pings = Buffer.alloc(PINGS * ping.length, ping);
  for (let i = 0; i < PINGS; i++) pings.writeUInt32BE(i, i * ping.length + 2);
  return new Promise((resolve) => socket.write(pings, () => resolve()));
}

/** Reads pongs until the pong of the last ping has come. @returns how many pongs have come */
export function readPongs(socket: Socket): Promise<number> {
  let bytes = Buffer.alloc(0);
  let count = 0;
  return new Promise((resolve) => {
    socket.on('data', (read: Buffer) => {
      bytes = Buffer.concat([bytes, read]);
      for (; bytes.length >= PONG_BYTES; bytes = bytes.subarray(PONG_BYTES)) {
        count++;
        const key = bytes.readUInt32BE(2);
        if ((bytes.readUInt32BE(6) ^ key) === PINGS - 1) resolve(count);
      }
    });
    socket.resume();
  });
}
