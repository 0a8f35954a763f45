/**
 * What TLS alone costs in Node: a server of node:tls that never looks at a frame. Each time as many bytes have come as a frame has, it
 * writes a prepared frame: `node tls-floor.js PORT BYTES echo|broadcast CERT KEY`, where BYTES is the length of every message.
 */
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { CannedFrames, switchingProtocols } from './canned.js';

const [port, bytes, mode, cert = '', key = ''] = process.argv.slice(2);
const { batch, framesPerBatch, frameBytes, receivedFrameBytes } = new CannedFrames(Number(bytes));
const END_OF_HEAD = '\r\n\r\n';

const everybody = new Set<TLSSocket>();

function send(socket: TLSSocket, frames: number): void {
  for (let left = frames; left > 0; left -= framesPerBatch) {
    socket.write(batch.subarray(0, Math.min(left, framesPerBatch) * frameBytes));
  }
}

function open(socket: TLSSocket): void {
  let received = 0;
  everybody.add(socket);
  socket.on('data', ({ length }: Buffer) => {
    received += length;
    const frames = Math.floor(received / receivedFrameBytes);
    if (frames === 0) return;
    received -= frames * receivedFrameBytes;
    if (mode === 'echo') send(socket, frames);
    else for (const other of everybody) send(other, frames);
  });
}

const options = { cert: readFileSync(cert), key: readFileSync(key), noDelay: true };
const server = createServer(options, (socket) => {
  socket.on('error', () => {}); // clients that go without a Close
  socket.on('close', () => everybody.delete(socket));
  let head = '';
  socket.on('data', function read(chunk: Buffer) {
    head += chunk.toString('latin1');
    if (!head.includes(END_OF_HEAD)) return;
    const [, websocketKey = ''] = /^sec-websocket-key: (\S+)/im.exec(head) ?? [];
    // The client sends nothing before it has the answer, so nothing follows the head.
    socket.off('data', read);
    socket.write(switchingProtocols(websocketKey));
    open(socket);
  });
});
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 1024 }, () => {
  console.log(`listening on wss://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
