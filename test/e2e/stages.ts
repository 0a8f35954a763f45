import { connect } from 'node:net';
import { happened } from './happened.js';
import { pattern } from './pattern.js';
import { encodeFrame, encodeRequest, Opcode } from './raw-client.js';

/** What a client has sent when it leaves, and whether it has waited for the answer. */
export type Stage = readonly [sent: Buffer, waits: boolean];

/** Every stage of the handshake and the hand-off at which a client can go. */
export function stagesOf(path: string): readonly Stage[] {
  const request = Buffer.from(encodeRequest(path));
  const message = encodeFrame(Opcode.BINARY, pattern(1, 40_000));
  return [
    [Buffer.alloc(0), false],
    [request.subarray(0, 60), false],
    [request, false],
    [Buffer.concat([request, message.subarray(0, 9)]), false],
    [Buffer.concat([request, message]), false],
    [request, true],
    [Buffer.concat([request, message.subarray(0, 30_000)]), true],
    [Buffer.concat([request, message, message.subarray(0, 20_000)]), true],
    [Buffer.concat([request, encodeFrame(Opcode.CLOSE)]), true],
  ];
}

/**
 * Connects and leaves, by a reset or by ending.
 * @param within bounds how long each step is waited for.
 */
export async function comeAndGo(
  port: number,
  [sent, waits]: Stage,
  resets: boolean,
  within: (step: Promise<unknown>, what: string) => Promise<unknown> = (step) => step,
): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {}); // 'close' follows: a server that is full, or whose thread dies, may reset it too
  const closed = happened(socket, 'close');
  await within(Promise.race([happened(socket, 'connect'), closed]), 'connect');
  socket.write(sent);
  if (waits) await within(Promise.race([happened(socket, 'readable'), closed]), 'an answer');
  if (resets) socket.resetAndDestroy();
  else socket.end().resume();
  await within(closed, 'close');
}
