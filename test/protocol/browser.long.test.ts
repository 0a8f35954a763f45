import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BINARY, CLOSE, CONTINUATION, type FrameParts, frame, noise, PING, TEXT } from './client-frames.js';
import type * as InBrowser from './in-browser.js';
import { byteByByte } from './receiver.js';

const ROOMS = ['protocol', 'anatomy'].map((room) => fileURLToPath(new URL(`../../dist/${room}/`, import.meta.url)));
const PROGRAM = fileURLToPath(new URL('in-browser.ts', import.meta.url));
const ESBUILD = fileURLToPath(new URL('../peers/node_modules/.bin/esbuild', import.meta.url));
const isInstalled = existsSync(ESBUILD);
if (!isInstalled && Reflect.get(process.env, 'WSLOOM_TEST_PEERS') === 'required')
  throw new Error('test/peers is not installed');

test.skipIf(isInstalled)('needs esbuild: npm ci --prefix test/peers', ({ skip }) => skip());

const STREAM: readonly FrameParts[] = [
  { opcode: TEXT, payload: 'grüß dich' },
  { opcode: PING, payload: 'here?' },
  { opcode: BINARY, fin: false, payload: noise(126) },
  { opcode: CONTINUATION, fin: false },
  { opcode: CONTINUATION, payload: noise(5000) },
  { opcode: CLOSE, payload: Buffer.from([3, 0xe8]) },
  { opcode: TEXT, payload: Buffer.from([0xc3, 0x28]) },
];

const EVENTS = [
  `1 ${Buffer.from('grüß dich').toString('hex')}`,
  `2 ${Buffer.from('here?').toString('hex')}`,
  `1 ${Buffer.concat([noise(126), noise(5000)]).toString('hex')}`,
  '4 03e8',
  'utf8 1007',
];

describe.runIf(isInstalled)('a bundle of all of protocol/ and anatomy/ for browsers', () => {
  let folder = '';
  let bundle = '';
  let program: typeof InBrowser;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'wsloom-browser-'));
    const modules = ROOMS.flatMap((room) =>
      readdirSync(room, { recursive: true, encoding: 'utf8' }).map((path) => join(room, path)),
    ).filter((path) => path.endsWith('.js'));
    expect(modules.length).toBeGreaterThan(20);
    const imports = modules.map((path, i) => `export * as module${i} from ${JSON.stringify(path)};`);
    const entry = join(folder, 'entry.js');
    const outfile = join(folder, 'bundle.js');
    writeFileSync(entry, `${imports.join('\n')}\nexport * from ${JSON.stringify(PROGRAM)};\n`);
    // For browsers, esbuild fails if anything of Node is imported.
    const options = ['--bundle', '--platform=browser', '--format=iife', '--global-name=wsloom', '--log-level=error'];
    execFileSync(ESBUILD, [entry, ...options, `--outfile=${outfile}`], { stdio: ['ignore', 'pipe', 'inherit'] });
    bundle = readFileSync(outfile, 'utf8');
    // Only globals that every browser has. A new context does not have Node's globals.
    const context = createContext({ TextDecoder, TextEncoder });
    program = runInContext(`${bundle}; wsloom`, context) as typeof InBrowser;
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test('imports nothing of Node', () => {
    expect(bundle).not.toMatch(/["']node:|\brequire\(/);
  });

  test('reads the frames of a client, whole and byte by byte', () => {
    const stream = Buffer.concat(STREAM.map(frame));
    expect(program.readMasked([stream])).toEqual(EVENTS);
    expect(program.readMasked([...byteByByte(stream)])).toEqual(EVENTS);
  });

  test('reads the frames of a server, whole and byte by byte', () => {
    const stream = Buffer.concat(STREAM.map((parts) => frame({ ...parts, key: null })));
    expect(program.readUnmasked([stream])).toEqual(EVENTS);
    expect(program.readUnmasked([...byteByByte(stream)])).toEqual(EVENTS);
  });

  test('takes a frame apart, and draws it', () => {
    const { drawing, explanation } = program.anatomy('818537fa213d7f9f4d5158');
    expect(drawing).toContain('|    Masking-key (continued)    |         Payload Data          |\n');
    expect(explanation).toMatch(/^Payload Data +5 bytes +"Hello"$/m);
  });

  test('goes through both sides of an opening handshake, with a SHA-1 that it is given', () => {
    const sha1Base64 = (text: string) => createHash('sha1').update(text).digest('base64');
    const { request, response, rest, subprotocol } = program.openingHandshake('dGhlIHNhbXBsZSBub25jZQ==', sha1Base64);
    expect(request).toMatch(/^GET \/a\?b HTTP\/1\.1\r\nHost: example\.org\r\n/);
    expect(response).toContain('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n');
    expect(rest).toBe(Buffer.from('rest').toString('hex'));
    expect(subprotocol).toBe('chat');
    expect(() => program.openingHandshake('dGhlIHNhbXBsZSBub25jZQ==', () => `${Math.random()}`)).toThrow(
      'Sec-WebSocket-Accept must be',
    );
  });

  test('masks frames, closes, refuses and looks at bytes', () => {
    const { frame, close, refusal, view, noView } = program.otherBytes();
    expect(frame).toBe('818537fa213d7f9f4d5158');
    expect(close).toBe(`03e9${Buffer.from('grüß').toString('hex')}`);
    expect(refusal).toMatch(/Content-Length: 6\r\n\r\ngrüß$/);
    expect([view, noView]).toEqual(['0102', true]);
  });
});
