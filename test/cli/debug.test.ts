import { expect, it } from 'vitest';
import { encodeFrame, Opcode, RawClient } from '../e2e/raw-client.js';
import { CLI, Command } from './command.js';

it.each(['0', '1'])('with NODE_DEBUG=wsloom and %s threads, the header of each frame is shown', async (threads) => {
  const env = { ...process.env, NODE_DEBUG: 'wsloom' };
  const args = [CLI, 'serve', 'broadcast', '--port', '0', '--threads', threads];
  await using command = new Command(process.execPath, args, { env });
  const { port } = new URL(await command.listening());
  using client = await RawClient.open(Number(port), '/');
  using other = await RawClient.open(Number(port), '/');
  const key = [1, 2, 3, 4];
  other.socket.write(encodeFrame(Opcode.PING, Buffer.alloc(0), { key }));
  await other.next(); // its thread hosts it now, so it is subscribed
  client.socket.write(
    Buffer.concat([
      encodeFrame(Opcode.TEXT, Buffer.from('hello'), { key }),
      encodeFrame(Opcode.PING, Buffer.alloc(0), { key }),
    ]),
  );
  expect(String((await other.next()).payload)).toBe('hello');
  client.socket.write(encodeFrame(Opcode.CLOSE, Buffer.alloc(0), { key }));
  await client.ended;
  await command.says('stderr', /connection 1 received 81 85 01020304: FIN TEXT, 5 bytes, masked\n/);
  await command.says('stderr', /connection 1 received 89 80 01020304: FIN PING, 0 bytes, masked\n/);
  await command.says('stderr', /connection 1 sent 8a 00: FIN PONG, 0 bytes\n/);
  await command.says('stderr', /connection 2 sent 81 05: FIN TEXT, 5 bytes\n/);
  await command.says('stderr', /connection 1 received 88 80 01020304: FIN CLOSE, 0 bytes, masked\n/);
  await command.says('stderr', /connection 1 sent 88 00: FIN CLOSE, 0 bytes\n/);
});
