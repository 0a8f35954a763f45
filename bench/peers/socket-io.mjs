// Socket.IO by WebSocket only, on one thread of Node: node socket-io.mjs PORT [classic|sharded REDIS_URL]. A client of ?topic=NAME gets
// what is published to NAME, by the event ["publish",NAME,TEXT]. With the URL of a Redis 7, publications also reach the clients of all
// other processes with the same Redis: by the adapter that Socket.IO has for any Redis, or by the one for sharded pub/sub.
import { createServer } from 'node:http';
import { createAdapter, createShardedAdapter } from '@socket.io/redis-adapter';
import { createClient } from 'redis';
import { Server } from 'socket.io';

const [port, kind, url] = process.argv.slice(2);
const http = createServer();
const server = new Server(http, { transports: ['websocket'], serveClient: false });

if (url !== undefined) {
  const clients = [createClient({ url }), createClient({ url })];
  for (const client of clients) {
    client.on('error', (error) => {
      console.error(error);
      process.exit(1); // what is measured without Redis is something else
    });
    await client.connect();
  }
  server.adapter(kind === 'sharded' ? createShardedAdapter(...clients) : createAdapter(...clients));
}

server.on('connection', (socket) => {
  const { topic } = socket.handshake.query;
  if (topic !== undefined) socket.join(topic);
  socket.on('publish', (to, text) => server.to(to).emit('message', text));
});
http.listen({ host: '127.0.0.1', port: Number(port), backlog: 1024 }, () => {
  console.log(`listening on ws://127.0.0.1:${http.address().port}`);
});
