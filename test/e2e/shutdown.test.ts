import { describe, expect, it } from 'vitest';
import { encodeFrame, Opcode, RawClient } from './raw-client.js';
import { builtIn, handler, serve, until } from './serving.js';

/** More than a test may take, in ms: the server must not give up, however busy the machine is. */
const AMPLE_MS = 60_000;

/** Sends numbered messages for as long as it can, and keeps the numbers of the answers until it is closed. */
async function flood(client: RawClient, encode: (i: number) => Buffer): Promise<readonly string[]> {
  const answers: string[] = [];
  let isOver = false;
  const reading = (async () => {
    for (;;) {
      const { opcode, payload } = await client.next();
      if (opcode === Opcode.CLOSE) {
        expect(payload.readUInt16BE(0)).toBe(1001);
        client.socket.end(encodeFrame(Opcode.CLOSE, payload));
        return;
      }
      answers.push(String(payload));
    }
  })();
  void reading.then(() => (isOver = true));
  for (let i = 0; !isOver; i++) {
    const hasRoom = client.socket.write(encode(i));
    if (!hasRoom) await Promise.race([reading, new Promise((resolve) => client.socket.once('drain', resolve))]);
    else if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await reading;
  return answers;
}

describe.each([0, 2])('a server that shuts down under load, with threads: %i', (threads) => {
  it('answers every message that it has read, and closes with 1001 behind the last answer', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads, closeTimeoutMs: AMPLE_MS });
    const clients = await Promise.all(Array.from({ length: 10 }, () => RawClient.open(served.port)));
    const floods = clients.map((client) => flood(client, (i) => encodeFrame(Opcode.TEXT, `message ${i}`)));
    await until(() => served.server.stats().messagesOut > 2000);
    await served.server.close({ drainMs: AMPLE_MS });
    const answers = await Promise.all(floods);
    for (const got of answers) expect(got).toEqual(got.map((_, i) => `message ${i}`));
    const { messagesIn, messagesOut, connections } = served.server.stats();
    expect(answers.reduce((total, { length }) => total + length, 0)).toBe(messagesIn);
    expect(messagesOut).toBe(messagesIn);
    expect(connections).toBe(0);
    for (const client of clients) client.socket.destroy();
  });

  it('waits for answers that come later, and reads nothing meanwhile', async () => {
    await using served = await serve({ handler: handler('commands.js'), threads, closeTimeoutMs: AMPLE_MS });
    const clients = await Promise.all(Array.from({ length: 10 }, () => RawClient.open(served.port)));
    const floods = clients.map((client) =>
      flood(client, (i) => encodeFrame(Opcode.TEXT, JSON.stringify([['afterAwait', ['send', `answer ${i}`]]]))),
    );
    await until(() => served.server.stats().messagesOut > 500);
    await served.server.close({ drainMs: AMPLE_MS });
    const answers = await Promise.all(floods);
    const { messagesIn, messagesOut } = served.server.stats();
    expect(messagesOut).toBe(messagesIn);
    expect(answers.reduce((total, { length }) => total + length, 0)).toBe(messagesIn);
    for (const client of clients) client.socket.destroy();
  });
});
