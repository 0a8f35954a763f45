// ws with bufferutil, on one thread of Node: node ws.mjs PORT echo|broadcast
import { WebSocket, WebSocketServer } from 'ws';

const [port, mode] = process.argv.slice(2);
const server = new WebSocketServer({ host: '127.0.0.1', port: Number(port), perMessageDeflate: false, backlog: 1024 });

server.on('listening', () => console.log(`listening on ws://127.0.0.1:${server.address().port}`));
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
