import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { expect, it } from 'vitest';
import { protocolBytesOf, speaksTls } from '../../dist/connection/protocol-bytes.js';

/** A stream that looks as if its handle had so much to write. */
const waiting = <Stream extends Duplex>(stream: Stream, writeQueueSize: number): Stream =>
  Object.defineProperty(stream, '_handle', { value: { writeQueueSize } });

it('what waits is counted for TLS only: what a plain socket has to write is what it was given', () => {
  const over = new TLSSocket(new Duplex({ read() {}, write() {} }));
  expect([speaksTls(over), protocolBytesOf(waiting(over, 5))]).toEqual([true, 5]);
  const plain = new Socket();
  expect([speaksTls(plain), protocolBytesOf(waiting(plain, 5))]).toEqual([false, 0]);
});
