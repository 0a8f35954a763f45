/**
 * The least that a server in Node can do: it never looks at a frame. It counts the bytes that come through `onread`. Each time as
 * many bytes have come as a frame has, it writes a prepared frame to the descriptor. The difference between this server and a real
 * one is the cost of the real one's work: `node floor.js PORT BYTES echo|broadcast`, where BYTES is the length of every message.
 */
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { CannedFrames, switchingProtocols } from './canned.js';

// By URL: compiled, this file is one folder deeper than the sources that TypeScript resolves the types from.
const { loadSystemCalls }: typeof import('../dist/system/system-calls.js') = await import(
  new URL('../../dist/system/system-calls.js', import.meta.url).href
);
const { descriptorOf }: typeof import('../dist/system/descriptor.js') = await import(
  new URL('../../dist/system/descriptor.js', import.meta.url).href
);
const calls = await loadSystemCalls();

const [port, bytes, mode] = process.argv.slice(2);
const READ_BYTES = 256 * 1024;
const { batch, framesPerBatch, frameBytes, receivedFrameBytes } = new CannedFrames(Number(bytes));

interface Connection {
  readonly fd: number;
  readonly socket: Socket;
  /** The bytes of a frame that is not whole yet. */
  received: number;
}

function send({ fd, socket }: Connection, frames: number): void {
  for (let left = frames; left > 0; left -= framesPerBatch) {
    const length = Math.min(left, framesPerBatch) * frameBytes;
    // No bytes if the socket takes nothing now, or the client is gone: then the stream waits, or finds out.
    const sent = socket.writableLength === 0 ? Math.max(0, calls.send(fd, batch, 0, length)) : 0;
    if (sent < length) socket.write(batch.subarray(sent, length));
  }
}

const everybody = new Set<Connection>();
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);

function open(fd: number): void {
  const options: SocketConstructorOpts & { onread: OnReadOpts } = { fd, onread: { buffer: readBuffer, callback } };
  const connection: Connection = { fd, received: 0, socket: new Socket(options) };
  function callback(length: number): boolean {
    connection.received += length;
    const frames = Math.floor(connection.received / receivedFrameBytes);
    if (frames === 0) return true;
    connection.received -= frames * receivedFrameBytes;
    if (mode === 'echo') send(connection, frames);
    else for (const other of everybody) send(other, frames);
    return true;
  }
  everybody.add(connection);
  connection.socket.setNoDelay(true);
  connection.socket.on('error', () => {}); // clients that go without a Close
  connection.socket.on('close', () => everybody.delete(connection));
}

const server = createServer().on('upgrade', (request: IncomingMessage, socket: Socket) => {
  const head = switchingProtocols(String(request.headers['sec-websocket-key']));
  // The client sends nothing before it has the answer, so nothing is lost here.
  const fd = calls.duplicate(descriptorOf(socket));
  socket.pause();
  calls.send(fd, Buffer.from(head), 0, head.length);
  socket.destroy();
  open(fd);
});
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 1024 }, () => {
  console.log(`listening on ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
