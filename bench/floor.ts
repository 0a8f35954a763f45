/**
 * The least that a server in Node can do: it never looks at a frame. It counts the bytes that come through `onread`. Each time as
 * many bytes have come as a frame has, it writes a prepared frame to the descriptor. The difference between this server and a real
 * one is the cost of the real one's work: `node floor.js PORT BYTES echo|broadcast`, where BYTES is the length of every message.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';

// By URL: compiled, this file is one folder deeper than the sources that TypeScript resolves the types from.
const { loadSystemCalls }: typeof import('../dist/system/system-calls.js') = await import(
  new URL('../../dist/system/system-calls.js', import.meta.url).href
);
const { descriptorOf }: typeof import('../dist/system/descriptor.js') = await import(
  new URL('../../dist/system/descriptor.js', import.meta.url).href
);
const calls = await loadSystemCalls();

const [port, bytes, mode] = process.argv.slice(2);
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const READ_BYTES = 256 * 1024;
/** Frames are written in batches of about this many bytes. */
const BATCH_BYTES = 64 * 1024;

const frame = cannedFrame(Number(bytes));
const MASKING_KEY_BYTES = 4;
const receivedFrameBytes = frame.length + MASKING_KEY_BYTES;
const framesPerBatch = Math.max(1, Math.floor(BATCH_BYTES / frame.length));
const batch = Buffer.alloc(framesPerBatch * frame.length, frame);

interface Connection {
  readonly fd: number;
  readonly socket: Socket;
  /** The bytes of a frame that is not whole yet. */
  received: number;
}

/** A text of one letter, unmasked. RFC 6455 section 5.2. */
function cannedFrame(length: number): Buffer {
  const header = Buffer.alloc(length < 126 ? 2 : length < 65536 ? 4 : 10);
  header[0] = 0x81;
  header[1] = length < 126 ? length : length < 65536 ? 126 : 127;
  if (header.length === 4) header.writeUInt16BE(length, 2);
  if (header.length === 10) header.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([header, Buffer.alloc(length, 'a')]);
}

function send({ fd, socket }: Connection, frames: number): void {
  for (let left = frames; left > 0; left -= framesPerBatch) {
    const length = Math.min(left, framesPerBatch) * frame.length;
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
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${GUID}`).digest('base64');
  const head = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
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
