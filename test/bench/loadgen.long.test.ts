import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { jsonMessages } from '../../bench/messages.js';

const run = promisify(execFile);
const SOURCE = fileURLToPath(new URL('../../bench/loadgen.cpp', import.meta.url));
const HEADERS = '#include <zlib.h>\n#include <sys/epoll.h>\n';
const canCompile = spawnSync('g++', ['-E', '-x', 'c++', '-'], { input: HEADERS }).status === 0;

it.skipIf(canCompile)('needs g++ and zlib1g-dev, on Linux', ({ skip }) => skip());

describe.runIf(canCompile)('the load generator that compresses', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wsloom-loadgen-'));
  const binary = join(folder, 'loadgen');
  const messages = join(folder, 'messages.txt');
  const BYTES = 1024;
  const CONNECTIONS = 9;

  beforeAll(async () => {
    await run('g++', ['-O1', '-Wall', '-Wextra', '-Werror', '-std=c++17', '-o', binary, SOURCE, '-DDEFLATE', '-lz']);
    const texts = jsonMessages(BYTES, 100);
    writeFileSync(messages, texts.map((text) => `${text}\n`).join(''));
  }, 120_000);

  afterAll(() => rmSync(folder, { recursive: true }));

  /** What it says of a server of `ws` that answers each message with `answer` to it, and how it ends. */
  async function load(
    perMessageDeflate: object | boolean,
    answer: (text: string, nth: number) => string,
    ...options: readonly string[]
  ) {
    return await loadOf({ perMessageDeflate, answer, options });
  }

  /** @param claims what the server says that it has agreed to. It keeps windows all the same. */
  async function loadOf({
    perMessageDeflate,
    answer,
    options,
    claims,
  }: {
    readonly perMessageDeflate: object | boolean;
    readonly answer: (text: string, nth: number) => string;
    readonly options: readonly string[];
    readonly claims?: string;
  }) {
    const server = new WebSocketServer({ noServer: true, perMessageDeflate });
    const http = createServer().listen(0, '127.0.0.1');
    await once(http, 'listening');
    http.on('upgrade', (request, socket, head) => {
      if (claims !== undefined) request.headers['sec-websocket-extensions'] = 'permessage-deflate';
      server.handleUpgrade(request, socket, head, (client) => server.emit('connection', client, request));
    });
    server.on('headers', (headers) => {
      const at = headers.findIndex((header) => header.startsWith('Sec-WebSocket-Extensions'));
      if (claims !== undefined) headers[at] = `Sec-WebSocket-Extensions: ${claims}`;
    });
    server.on('connection', (socket) => {
      let nth = 0;
      socket.on('error', () => {}); // 'close' follows
      socket.on('message', (data) => socket.send(answer(String(data), nth++)));
    });
    const { port } = http.address() as AddressInfo;
    const args = ['--warmup=0', `--messages=${messages}`, ...options, '127.0.0.1', String(port), '/'];
    const numbers = [CONNECTIONS, BYTES, 2, 0.3].map(String);
    try {
      const { stdout, stderr } = await run(binary, [...args, ...numbers]).catch((error) => error);
      return { figures: stdout === '' ? {} : JSON.parse(stdout), complaints: String(stderr) };
    } finally {
      for (const client of server.clients) client.terminate();
      http.close();
    }
  }

  const same = (text: string) => text;

  it.each([
    { options: [], agreed: /server_no_context_takeover; client_no_context_takeover/, least: 0.4, most: 0.6 },
    { options: ['--takeover'], agreed: /^permessage-deflate$/, least: 0.2, most: 0.4 },
  ])('sends what inflates, and inflates what it gets: $options', async ({ options, agreed, least, most }) => {
    // Each connection goes round all messages more than twice.
    const rounds = await load(true, same, '--verify=all', '--each=250', ...options);
    expect(rounds.complaints).toBe('');
    expect(rounds.figures).toMatchObject({ errors: 0, lost: 0, agreed: expect.stringMatching(agreed) });
    const { figures } = await load(true, same, '--verify=all', ...options);
    for (const ratio of [figures.ratio, figures.client_ratio]) {
      expect(ratio).toBeGreaterThan(least);
      expect(ratio).toBeLessThan(most);
    }
  });

  it('compresses with the window that the server asks for', async () => {
    const narrow = await load({ clientMaxWindowBits: 9 }, same, '--takeover', '--verify=all');
    const wide = await load(true, same, '--takeover', '--verify=all');
    expect(narrow.complaints).toBe('');
    expect(narrow.figures).toMatchObject({ errors: 0, agreed: expect.stringContaining('client_max_window_bits=9') });
    // Neither earlier messages nor the message itself are referred to further back.
    expect(narrow.figures.client_ratio).toBeGreaterThan(1.45 * wide.figures.client_ratio);
  });

  it('sends the same messages as they are, to a server that does not compress', async () => {
    const { figures, complaints } = await load(false, same, '--plain', '--takeover', '--verify=all');
    expect(complaints).toBe('');
    expect(figures).toMatchObject({ errors: 0, ratio: 1, client_ratio: 1, agreed: '' });
  });

  it('sends so many on each connection, and then none', async () => {
    let came = 0;
    const count = (text: string) => {
      came++;
      return text;
    };
    const { figures } = await load(true, count, '--each=5');
    expect(figures).toMatchObject({ errors: 0, lost: 0 });
    expect(came).toBe(5 * CONNECTIONS);
  });

  it.each([
    { what: 'the first message', changed: 0, errors: CONNECTIONS },
    // Two of nine are compared all along: the first, and the one eight behind it.
    { what: 'a later message', changed: 50, errors: 2 },
  ])('notices that $what came back changed', async ({ changed, errors }) => {
    const change = (text: string, nth: number) => (nth === changed ? text.replace('"id"', '"iD"') : text);
    const { figures, complaints } = await load(true, change, '--each=60');
    expect(complaints).toContain('content differs in message');
    expect(figures).toMatchObject({ errors, lost: 0 });
  });

  it('notices a server that refers to earlier messages, and has agreed not to', async () => {
    const claims = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
    const options = ['--each=20'];
    const { figures, complaints } = await loadOf({ perMessageDeflate: true, answer: same, options, claims });
    expect(complaints).toContain('does not inflate');
    expect(figures.errors).toBeGreaterThan(0);
  });

  it.each([
    [false, [], 'the server does not compress'],
    [{ serverNoContextTakeover: true }, ['--takeover'], 'the server does without context takeover'],
  ])('refuses to measure something else: %j %j', async (perMessageDeflate, options, complaint) => {
    const { figures, complaints } = await load(perMessageDeflate, same, ...options);
    expect(complaints).toContain(complaint);
    expect(figures).toEqual({});
  });
});
