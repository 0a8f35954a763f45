// ws with bufferutil, on one thread of Node: node ws.mjs PORT echo|broadcast [CERT KEY] [--deflate | --deflate-level LEVEL]. With files
// of a certificate it speaks TLS. With --deflate it compresses at its defaults, with --deflate-level at another level of zlib.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { parseArgs } from 'node:util';
import { WebSocket, WebSocketServer } from 'ws';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { deflate: { type: 'boolean' }, 'deflate-level': { type: 'string' } },
});
const [port, mode, cert, key] = positionals;
const level = values['deflate-level'];
const perMessageDeflate =
  level === undefined ? values.deflate === true : { zlibDeflateOptions: { level: Number(level) } };
const http =
  cert === undefined ? createServer() : createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) });
const server = new WebSocketServer({ server: http, perMessageDeflate });

http.listen({ host: '127.0.0.1', port: Number(port), backlog: 1024 }, () => {
  console.log(`listening on ${cert === undefined ? 'ws' : 'wss'}://127.0.0.1:${http.address().port}`);
});
server.on('connection', (socket) => {
  socket.on('error', () => {}); // clients that go without a Close
  if (mode === 'echo') {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    return;
  }
  socket.on('message', (data, isBinary) => {
    for (const client of server.clients) {
      if (client.readyState === WebSocket.OPEN) client.send(data, { binary: isBinary });
    }
  });
});
