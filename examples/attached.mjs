// attached.mjs: WebSockets on a path of your HTTP server, with hooks that see the variables of the program
import { createServer } from 'node:http';
import { attach } from 'wsloom';

let clicks = 0;
const http = createServer((request, response) => {
  if (request.url === '/click') sockets.publish('clicks', String(++clicks)); // to everybody who is connected to /live
  response.end(`${clicks} clicks\n`);
});

const sockets = await attach(http, {
  path: '/live',
  threads: 0, // hosted in this thread; with a module as its handler, connections go to worker threads
  handler: {
    open(connection) {
      connection.subscribe('clicks');
      connection.send(String(clicks));
    },
  },
});

http.listen({ port: 8080, host: '127.0.0.1' }, () => {
  const { port } = http.address();
  console.log(`open http://127.0.0.1:${port}/click, connect to ws://127.0.0.1:${port}/live`);
});

process.once('SIGINT', async () => {
  http.close();
  await sockets.close();
});
