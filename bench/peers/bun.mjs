// Bun's own server: bun bun.mjs PORT echo|broadcast [shared|dedicated]. It compresses all messages if it is told with which compressor.
const [port, mode, compressor] = process.argv.slice(2);
const compresses = compressor !== undefined;
const ROOM = 'room';

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: Number(port),
  fetch(request, server) {
    if (server.upgrade(request)) return;
    return new Response('a WebSocket is wanted', { status: 426 });
  },
  websocket: {
    perMessageDeflate: compresses && { compress: compressor, decompress: compressor },
    maxPayloadLength: 64 * 1024 * 1024,
    backpressureLimit: 1024 * 1024 * 1024,
    sendPings: false,
    idleTimeout: 0,
    open(socket) {
      if (mode === 'broadcast') socket.subscribe(ROOM);
    },
    message(socket, message) {
      if (mode === 'broadcast') server.publish(ROOM, message, compresses);
      else socket.send(message, compresses);
    },
  },
});
console.log(`listening on ws://127.0.0.1:${server.port}`);
