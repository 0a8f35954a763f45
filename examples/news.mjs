// news.mjs: publishes each line of standard input to everybody who is connected to /news
import { createInterface } from 'node:readline';
import { createServer } from 'wsloom';

const server = createServer({ handler: new URL('./chat.mjs', import.meta.url) });
const { url } = await server.listen({ port: 8080 });
console.log(`connect to ${url}/news, and type something here`);

for await (const line of createInterface({ input: process.stdin })) {
  await server.roomToPublish(); // a thread that is slow makes us wait, and nothing is dropped
  server.publish('/news', line);
}
await server.close({ drainMs: 1000 });
