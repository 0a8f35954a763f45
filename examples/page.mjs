// page.mjs: an HTTP server of your own, whose page talks to a handler of wsloom on the same port
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'wsloom';

const page = readFileSync(new URL('./page.html', import.meta.url));
const server = createServer({ handler: new URL('./chat.mjs', import.meta.url) });
await server.start();

const http = createHttpServer((_, response) => {
  response.setHeader('Content-Type', 'text/html; charset=utf-8').end(page);
});
http.on('upgrade', (request, socket, head) => server.handleUpgrade(request, socket, head));
http.listen({ port: 8080, host: '127.0.0.1' }, () => {
  console.log(`open http://127.0.0.1:${http.address().port}/`);
});

process.once('SIGINT', async () => {
  http.close();
  await server.close();
});
