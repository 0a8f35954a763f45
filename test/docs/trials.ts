import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { type EngineKind, NATS, REDIS } from '../backplanes/kinds.js';
import type { Engine } from '../backplanes/engines.js';
import type { Command } from '../cli/command.js';
import { Client, refusal } from '../e2e/client.js';
import { until } from '../e2e/serving.js';
import { fileOf } from '../tls/certificates.js';
import { Page } from './page.js';
import type { PEERS } from './workshop.js';

/** A server with the handler of a snippet. */
interface Served {
  readonly url: string;
  open(target?: string): Promise<Client>;
  readonly refusal: typeof refusal;
}

/**
 * How a file of a document is tried. It can be the handler of a server, in the process of the test or in a process of its own, which is
 * for modules that print something or leave a timer behind. It can be a program, or a client of a server that echoes. A configuration of
 * another program is tried by a test of its own, where that program is installed.
 */
type Trial =
  | { readonly as: 'handler'; test(served: Served): Promise<void> }
  | { readonly as: 'handler apart'; test(served: Served): Promise<void> }
  | {
      readonly as: 'program' | 'client';
      /** A package of test/peers, without which it cannot be tried. */
      readonly needs?: (typeof PEERS)[number];
      test(command: Command): Promise<void>;
    }
  | FleetTrial
  | { readonly as: 'configuration' };

/** A program that needs engines, which are started for it. */
export interface FleetTrial {
  readonly as: 'fleet';
  readonly kind: EngineKind;
  /** The addresses that the file names. In their places it gets those of engines that run. */
  readonly addresses: readonly string[];
  /** How the engines are configured. */
  readonly lines?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  test(command: Command, engines: readonly Engine[]): Promise<void>;
}

const handler = (test: (served: Served) => Promise<void>): Trial => ({ as: 'handler', test });
const apart = (test: (served: Served) => Promise<void>): Trial => ({ as: 'handler apart', test });
const program = (test: (command: Command) => Promise<void>): Trial => ({ as: 'program', test });
const client = (test: (command: Command) => Promise<void>): Trial => ({ as: 'client', test });

const chats = handler(async ({ open }) => {
  using ada = await open('/room?name=Ada');
  expect(await ada.text()).toBe('welcome to /room, Ada');
  using other = await open('/room');
  expect(await other.text()).toBe('welcome to /room, somebody');
  ada.send('hello');
  expect([await ada.text(), await other.text()]).toEqual(['Ada: hello', 'Ada: hello']);
});

const counts = handler(async ({ url, open, refusal }) => {
  using one = await open('/count');
  one.send('a');
  one.send('b');
  expect(await one.texts(2)).toEqual(['message 1', 'message 2']);
  expect(await refusal(`${url}/else`)).toMatchObject({ status: 404 });
});

/** A program whose HTTP server answers `hello`, and that echoes on /live. */
const attached = (needs?: (typeof PEERS)[number]): Trial => ({
  as: 'program',
  ...(needs === undefined ? {} : { needs }),
  test: async (command) => {
    const port = await portOf(command);
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('hello');
    using one = await Client.open(`ws://127.0.0.1:${port}/live`);
    one.send('hello');
    expect(await one.text()).toBe('hello');
    expect(await refusal(`ws://127.0.0.1:${port}/else`)).toMatchObject({ status: 404 });
  },
});

/** The port that a program says it listens on. */
async function portOf(command: Command): Promise<string> {
  const [, port = ''] = await command.says('stdout', /^listening on port (\d+)\n$/);
  return port;
}

/** The URL of a server that a program says it listens on. */
async function listening(command: Command): Promise<string> {
  const [, url = ''] = await command.says('stdout', /^listening on (wss?:\S+)\n/);
  return url;
}

/** A chat that answers to all the same, whatever it is written with. */
async function repeats(command: Command): Promise<void> {
  const url = await listening(command);
  using ada = await Client.open(`${url}/?name=Ada`);
  using bob = await Client.open(`${url}/?name=Bob`);
  ada.send('hello');
  expect(await ada.text()).toBe('Ada: hello'); // from here on she gets what others say
  bob.send('hello');
  expect(await ada.text()).toBe('Bob: hello');
}

/** Ends a program as a service manager does. */
async function endsWell(command: Command): Promise<void> {
  command.process.kill('SIGTERM');
  expect(await command.ended, command.stderr).toBe(0);
}

/** Checks that the program has printed this and ended with 0. */
const prints = (expected: RegExp) => async (command: Command) => {
  expect(await command.ended, command.stderr).toBe(0);
  expect(command.stdout).toMatch(expected);
};

/** The trials by document and file. Every file that the documents show has one. */
export const TRIALS: Readonly<Record<string, Trial>> = {
  'README.md: chat.mjs': chats,
  'README.md: chat.ts': chats,
  'README.md: server.mjs': program(prints(/^ws:\/\/127\.0\.0\.1:\d+ {\n {2}connections: 0,/)),

  'docs/handlers.md: hooks.mjs': apart(async ({ open }) => {
    using one = await open();
    expect(await one.text()).toBe('hello');
    one.send(Buffer.of(1, 2, 3));
    expect(await one.next()).toEqual({ bytes: Buffer.of(1, 2, 3), isBinary: true });
  }),
  'docs/handlers.md: auth.mjs': handler(async ({ url, open, refusal }) => {
    using ada = await open('/chat?token=secret');
    expect(await ada.text()).toBe('you are Ada');
    expect(await refusal(`${url}/chat`)).toMatchObject({ status: 401, body: 'who are you?' });
    expect(await refusal(`${url}/`)).toMatchObject({ status: 404 });
    using chatting = await Client.open(`${url}/chat?token=secret`, { protocols: ['chat.v0', 'chat.v1'] });
    expect(chatting.socket.protocol).toBe('chat.v1');
  }),
  'docs/handlers.md: await.mjs': handler(async ({ open }) => {
    using one = await open();
    one.send('{ "topic": "tea" }');
    expect(await one.texts(2)).toEqual(['about tea', 'tea was asked']);
  }),
  'docs/handlers.md: ticker.mjs': apart(async ({ open }) => {
    using one = await open();
    for (const time of await one.texts(2)) expect(time).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  }),
  'docs/handlers.md: pages.mjs': handler(async ({ open }) => {
    using one = await open();
    one.send('50');
    for (let i = 0; i < 50; i++) expect((await one.next()).bytes.length).toBe(100_000);
  }),
  'docs/handlers.md: typed.ts': handler(async ({ open }) => {
    using one = await open('/?name=Ada');
    expect(await one.text()).toBe('hello Ada');
  }),
  'docs/handlers.md: counter.cjs': counts,
  'docs/handlers.md: server.mjs': program(prints(/^listening on ws:\/\/127\.0\.0\.1:\d+\n0\n$/)),
  'docs/handlers.md: ticker.test.mjs': program(prints(/# pass 1\n# fail 0/)),

  'docs/compression.md: old-safari.mjs': handler(async ({ open }) => {
    using client = await open('/');
    client.send('hello');
    expect(await client.text()).toBe('hello');
  }),
  'docs/listening.md: hello.mjs': handler(async ({ open }) => {
    using one = await open('/room');
    expect(await one.text()).toBe('hello on /room');
  }),
  'docs/listening.md: unix.mjs': program(prints(/^hello on \/room\n$/)),
  'docs/attach.md: http.mjs': attached(),
  'docs/attach.md: live.mjs': handler(async ({ open }) => {
    using one = await open();
    one.send('hello');
    expect(await one.text()).toBe('hello');
  }),
  'docs/attach.md: express.mjs': attached('express'),
  'docs/attach.md: fastify.mjs': attached('fastify'),
  'docs/attach.md: hono.mjs': attached('@hono/node-server'),
  'docs/attach.md: koa.mjs': attached('koa'),
  'docs/attach.md: variables.mjs': program(async (command) => {
    const port = await portOf(command);
    using one = await Client.open(`ws://127.0.0.1:${port}/live`);
    expect(await one.text()).toBe('visit 1');
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('1 visits');
  }),
  'docs/attach.md: own-authentication.mjs': program(async (command) => {
    const url = `ws://127.0.0.1:${await portOf(command)}/`;
    expect(await refusal(url)).toMatchObject({ status: 401, body: 'who are you?' });
    using one = await Client.open(url, { headers: { Cookie: 'session=1' } });
    one.send('hello');
    expect(await one.text()).toBe('hello');
  }),
  'docs/attach.md: beside-ws.mjs': program(async (command) => {
    const url = `ws://127.0.0.1:${await portOf(command)}`;
    using old = await Client.open(`${url}/old`);
    expect(await old.text()).toBe('the old one');
    using one = await Client.open(`${url}/live`);
    one.send('hello');
    expect(await one.text()).toBe('hello');
  }),
  'docs/attach.md: health.mjs': program(async (command) => {
    const url = `http://127.0.0.1:${await portOf(command)}`;
    expect(await (await fetch(url)).text()).toBe('hello');
    expect(await (await fetch(`${url}/live/health`)).json()).toMatchObject({ status: 'ok' });
    expect(await (await fetch(`${url}/live/try`)).text()).toContain('WebSocket');
  }),

  'docs/admin.md: admin.mjs': program(prints(/^200 ready\n\n$/)),
  'docs/admin.md: hello.mjs': handler(async ({ open }) => {
    using one = await open('/room');
    expect(await one.text()).toBe('hello on /room');
  }),

  'docs/diagnostics-channels.md: counting.mjs': handler(async ({ open }) => {
    using one = await open();
    for (const expected of ['0 before this one', '1 before this one']) {
      one.send('hello');
      expect(await one.text()).toBe(expected);
    }
  }),
  'docs/diagnostics-channels.md: refusals.mjs': program(async (command) => {
    const url = await listening(command);
    expect(await refusal(`${url}/else`)).toMatchObject({ status: 404 });
    await command.says('stdout', /\n127\.0\.0\.1 was refused with 404: there is no WebSocket on this path\n/);
  }),
  'docs/opentelemetry.md: telemetry.mjs': { as: 'configuration' }, // all of them by server.mjs
  'docs/opentelemetry.md: sdk.mjs': { as: 'configuration' },
  'docs/opentelemetry.md: chat.mjs': { as: 'configuration' },
  'docs/opentelemetry.md: server.mjs': {
    as: 'program',
    needs: '@opentelemetry/sdk-trace-base',
    test: async (command) => {
      const url = await listening(command);
      expect(await refusal(`${url}/else`)).toMatchObject({ status: 404 });
      const one = await Client.open(`${url}/live`);
      one.send('hello');
      expect(await one.text()).toBe('hello');
      one.socket.close(4000);
      await command.says('stdout', /name: 'websocket',.*'websocket\.close_code': 4000/s);
      await command.says('stdout', /name: 'wsloom\.closed',.*?code: '4xxx'/s);
      for (const name of ['messages', 'closed', 'refused']) {
        await command.says('stdout', new RegExp(`name: 'wsloom\\.${name}',.*?value: 1\\b`, 's'));
      }
    },
  },

  'docs/from-ws.md: before.mjs': program(repeats),
  'docs/from-ws.md: chat.mjs': handler(async ({ open }) => {
    using ada = await open('/?name=Ada');
    ada.send('hello');
    expect(await ada.text()).toBe('Ada: hello');
  }),
  'docs/from-ws.md: after.mjs': program(repeats),
  'docs/from-uwebsockets.md: rooms.mjs': apart(async ({ url, open, refusal }) => {
    expect(await refusal(url)).toMatchObject({ status: 401 });
    using ada = await open('/room?name=Ada');
    expect(await ada.text()).toBe('you are Ada');
    using bob = await open('/room?name=Bob');
    bob.send('hello');
    expect(await ada.text()).toBe('Bob: hello');
  }),
  'docs/from-uwebsockets.md: server.mjs': program(async (command) => {
    const url = await listening(command);
    using ada = await Client.open(`${url}/room?name=Ada`);
    expect(await ada.text()).toBe('you are Ada');
    using bob = await Client.open(`${url}/room?name=Bob`);
    bob.send('hello');
    expect(await ada.text()).toBe('Bob: hello');
  }),

  'docs/load.md: load.mjs': client(prints(/^\d+ messages, p99 [\d.]+ ms, errors: \{\}\n$/)),
  'docs/load.md: client.mjs': client(prints(/^hello\n1000\n$/)),

  'docs/errors.md: codes.mjs': program(
    prints(
      /^maxPayloadBytes: maxPayloadBytes must be .*, got -1\nWSLOOM_HANDLER there is no handler module .*nowhere\.mjs\n$/,
    ),
  ),

  'docs/ten-million.md: reconnect.mjs': client(async (command) => {
    await command.says('stdout', /^connected\n$/);
  }),

  'docs/tls.md: server.mjs': program(prints(/^listening on wss:\/\/127\.0\.0\.1:\d+\n\d+ days left\n$/)),
  'docs/tls.md: hello.mjs': handler(async ({ open }) => {
    using one = await open('/room');
    expect(await one.text()).toBe('hello on /room');
  }),
  'docs/tls.md: names.mjs': program(
    prints(/^wss:\/\/127\.0\.0\.1:\d+ all others, api\.example\.org, \*\.example\.org\n$/),
  ),
  'docs/tls.md: renew.mjs': program(
    prints(/^exchanged\ntls\.cert: tls\.cert has a first certificate that does not belong to the key\n$/),
  ),

  'docs/scale.md: server.mjs': {
    as: 'fleet',
    kind: REDIS,
    addresses: ['127.0.0.1:6379'],
    test: async (command, [engine]) => {
      const { port } = engine as Engine;
      using one = await Client.open(await listening(command));
      one.send('it rains');
      expect(await one.text()).toBe('it rains');
      await engine?.kill();
      await command.says('stdout', /\nthe engine is lost\n$/);
      await using _again = await REDIS.start({ port });
      await command.says('stdout', /\nthe engine is back\n$/);
      expect(await one.text()).toMatch(/^resync in \d+ s$/);
      await endsWell(command);
    },
  },
  'docs/scale.md: news.mjs': handler(async ({ open }) => {
    using one = await open();
    one.send('it rains');
    expect(await one.text()).toBe('it rains');
    using other = await open();
    other.send('it snows');
    expect([await one.text(), await other.text()]).toEqual(['it snows', 'it snows']);
  }),
  'docs/scale.md: options.mjs': {
    as: 'fleet',
    kind: NATS,
    addresses: ['127.0.0.1:4222'],
    lines: [
      ...NATS.withTls({ cert: fileURLToPath(fileOf('default.crt')), key: fileURLToPath(fileOf('default.key')) }),
      'authorization { user: chat, password: "s3cret" }',
    ],
    env: { NATS_PASSWORD: 's3cret' },
    test: async (command) => {
      await listening(command);
      await endsWell(command);
      expect(command.stderr).toMatch(/backplane nats: connected\n/);
    },
  },
  'docs/scale.md: shards.mjs': {
    as: 'fleet',
    kind: REDIS,
    addresses: ['127.0.0.1:6379', '127.0.0.1:6380'],
    test: async (command) => {
      using one = await Client.open(await listening(command));
      one.send('it rains');
      expect(await one.text()).toBe('it rains');
      await endsWell(command);
      expect(command.stderr).toMatch(/backplane redis 1: connected\n/);
      expect(command.stderr).toMatch(/backplane redis 2: connected\n/);
    },
  },
  'docs/scale.md: nats.conf': { as: 'configuration' }, // test/backplanes/documented.long.test.ts
  'docs/scale.md: redis.conf': { as: 'configuration' },
  'docs/scale.md: redis-cluster.conf': { as: 'configuration' },
  'docs/scale.md: memory-engine.mjs': { as: 'configuration' }, // by its test:
  'docs/scale.md: memory-engine.test.mjs': program(prints(/# pass 1\n# fail 0/)),

  'docs/observe.md: prometheus.yml': { as: 'configuration' }, // test/monitor/prometheus.long.test.ts

  'docs/proxies.md: nginx.conf': { as: 'configuration' }, // test/docs/proxies*.long.test.ts
  'docs/proxies.md: nginx-stream.conf': { as: 'configuration' },
  'docs/proxies.md: haproxy.cfg': { as: 'configuration' },
  'docs/proxies.md: haproxy-tcp.cfg': { as: 'configuration' },
  'docs/proxies.md: Caddyfile': { as: 'configuration' },

  'docs/ten-minutes.md: chat.mjs': { as: 'configuration' }, // test/docs/ten-minutes.long.test.ts
  'docs/ten-minutes.md: public/index.html': { as: 'configuration' },
  'docs/ten-minutes.md: nginx.conf': { as: 'configuration' },
  'docs/ten-minutes.md: say.mjs': { as: 'configuration' },

  'examples: attached.mjs': program(async (command) => {
    const [, url = '', live = ''] = await command.says('stdout', /^open (\S+), connect to (\S+)\n$/);
    using one = await Client.open(live);
    expect(await one.text()).toBe('0');
    expect(await (await fetch(url)).text()).toBe('1 clicks\n');
    expect(await one.text()).toBe('1');
    command.process.kill('SIGINT');
    expect(await one.closed).toMatchObject({ code: 1001 });
    expect(await command.ended).toBe(0);
  }),
  'examples: chat.mjs': chats,
  'examples: counter.cjs': counts,
  'examples: limited-echo.ts': handler(async ({ url, refusal }) => {
    expect(await refusal(url)).toMatchObject({ status: 401, body: 'send a key in X-Api-Key' });
    using one = await Client.open(url, { headers: { 'X-Api-Key': 'a' } });
    one.send('hello');
    expect(await one.text()).toBe('hello');
    one.send(Buffer.alloc(1_000_000));
    expect(await one.closed).toEqual({ code: 1008, reason: 'more than 1000000 bytes' });
  }),
  'examples: news.mjs': program(async (command) => {
    const [, url = ''] = await command.says('stdout', /^connect to (\S+), and type something here\n$/);
    using one = await Client.open(`${url}?name=Ada`);
    expect(await one.text()).toBe('welcome to /news, Ada');
    command.process.stdin.end('it rains\n');
    expect(await one.text()).toBe('it rains');
    expect(await one.closed).toMatchObject({ code: 1001 });
    expect(await command.ended).toBe(0);
  }),
  'examples: page.mjs': program(async (command) => {
    const [, url = ''] = await command.says('stdout', /^open (\S+)\n$/);
    using page = new Page(await (await fetch(url)).text(), url);
    await until(() => page.shown.includes('welcome to /lobby, browser'));
    page.submit('hello');
    await until(() => page.shown.includes('browser: hello'));
    command.process.kill('SIGINT');
    await until(() => page.shown.includes('closed with 1001'));
    expect(await command.ended).toBe(0);
  }),
};
