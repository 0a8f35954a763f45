// ws with bufferutil, on one thread of Node: node ws.mjs PORT echo|broadcast [CERT KEY]. With files of a certificate it speaks TLS.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { WebSocket, WebSocketServer } from 'ws';

const [port, mode, cert, key] = process.argv.slice(2);
const http =
  cert === undefined ? createServer() : createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) });
const server = new WebSocketServer({ server: http, perMessageDeflate: false });

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
