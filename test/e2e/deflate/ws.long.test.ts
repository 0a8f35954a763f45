import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { builtIn, serve } from '../serving.js';
import { channelTo } from './client-channel.js';
import { channelOf, echoAll, repeat } from './echoing.js';
import { Relay } from './relay.js';
import { expectCompressed, expectTakeover } from './takeover.js';

const BITS = [8, 9, 10, 11, 12, 13, 14, 15];
const SETTINGS = [true, false].flatMap((contextTakeover) => BITS.map((bits) => ({ contextTakeover, bits })));

describe('the client of ws', () => {
  it.each(SETTINGS)('is echoed with takeover: $contextTakeover, $bits bits', async ({ contextTakeover, bits }) => {
    const deflate = { contextTakeover: true, windowBits: 15, fullWindows: true, thresholdBytes: 0 };
    await using served = await serve({ handler: builtIn('echo'), threads: 1, ...{ deflate } });
    await using relay = await Relay.to(served.port);
    const perMessageDeflate = {
      threshold: 0,
      serverMaxWindowBits: bits,
      clientMaxWindowBits: bits,
      serverNoContextTakeover: !contextTakeover,
      clientNoContextTakeover: !contextTakeover,
    };
    const open = () => channelOf(new WebSocket(`ws://127.0.0.1:${relay.port}`, { perMessageDeflate }));
    const all = await open();
    const outcome = await echoAll(all);
    all.close();
    const same = await open();
    const repeated = await repeat(same);
    same.close();
    const name = `takeover: ${contextTakeover}, ${bits} bits`;
    expectCompressed(outcome, relay.connections[0], name);
    expectTakeover(repeated, relay.connections[1], name, { ofServer: contextTakeover, ofClient: contextTakeover });
    for (const answer of relay.answered('Sec-WebSocket-Extensions')) {
      expect(answer).toContain(`server_max_window_bits=${bits}`);
      // A client that offers 8 cannot be told anything else, and one that is told nothing may use all 15.
      if (bits > 8 && bits < 15 && contextTakeover) expect(answer).toContain(`client_max_window_bits=${bits}`);
      else expect(answer).not.toContain('client_max_window_bits');
    }
  });

  it('is echoed as it comes, at the defaults of both sides', async () => {
    await using served = await serve({ handler: builtIn('echo'), threads: 1, ...{ deflate: true } });
    await using relay = await Relay.to(served.port);
    const channel = await channelOf(new WebSocket(`ws://127.0.0.1:${relay.port}`));
    expectCompressed(await echoAll(channel), relay.connections[0], 'defaults');
    channel.close();
  });
});

describe('the server of ws', () => {
  it.each(SETTINGS.filter(({ bits }) => bits > 8))(
    'echoes our client with takeover: $contextTakeover, $bits bits',
    async ({ contextTakeover, bits }) => {
      await using server = await EchoOfWs.listen({ threshold: 0 });
      await using relay = await Relay.to(server.port);
      const deflate = { contextTakeover, windowBits: bits, thresholdBytes: 0 };
      const all = await channelTo(`ws://127.0.0.1:${relay.port}`, deflate);
      const outcome = await echoAll(all);
      all.close();
      const same = await channelTo(`ws://127.0.0.1:${relay.port}`, deflate);
      const repeated = await repeat(same);
      same.close();
      const name = `takeover: ${contextTakeover}, ${bits} bits`;
      expectCompressed(outcome, relay.connections[0], name);
      expectTakeover(repeated, relay.connections[1], name, { ofServer: contextTakeover, ofClient: contextTakeover });
    },
  );
});

/** A server of ws that echoes. */
class EchoOfWs implements AsyncDisposable {
  readonly port: number;
  readonly #server: WebSocketServer;

  private constructor(server: WebSocketServer) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async listen(perMessageDeflate: object): Promise<EchoOfWs> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate });
    await once(server, 'listening');
    server.on('connection', (socket) => {
      socket.on('error', () => {}); // 'close' follows
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    return new EchoOfWs(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
