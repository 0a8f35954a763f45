import { createServer } from 'node:http';
import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readUpgradeRequest } from '../../../dist/protocol/opening/request-head.js';

const HEADERS = ['Host: a', 'Upgrade: websocket', 'Connection: Upgrade'];

function head(headers: readonly string[] = HEADERS, first = 'GET /chat?x=%20 HTTP/1.1'): string {
  return [first, ...headers, '', ''].join('\r\n');
}

describe('an ordinary request for an upgrade', () => {
  test('is read as it was sent', () => {
    expect(readUpgradeRequest(head(), 100)).toEqual({
      method: 'GET',
      target: '/chat?x=%20',
      httpVersion: '1.1',
      rawHeaders: ['Host', 'a', 'Upgrade', 'websocket', 'Connection', 'Upgrade'],
    });
  });

  test('may have empty values, space around values, and letters in either case', () => {
    const lines = ['HOST:  a \t', 'connection: a, UPGRADE', 'x:', 'y: \t ', 'uPgRaDe:WebSocket', 'z: a  b\u00fc'];
    expect(readUpgradeRequest(head(lines), 100)).toMatchObject({
      rawHeaders: [
        'HOST',
        'a',
        'connection',
        'a, UPGRADE',
        'x',
        '',
        'y',
        '',
        'uPgRaDe',
        'WebSocket',
        'z',
        'a  b\u00fc',
      ],
    });
  });

  test('may say that its body has a length of 0', () => {
    const rawHeaders = ['Host', 'a', 'Upgrade', 'websocket', 'Connection', 'Upgrade', 'content-length', '0'];
    expect(readUpgradeRequest(head([...HEADERS, 'content-length: 0']), 100)).toMatchObject({ rawHeaders });
  });

  test('may have as many headers as are allowed', () => {
    expect(readUpgradeRequest(head(), 3)).toBeDefined();
    expect(readUpgradeRequest(head(), 2)).toBeUndefined();
  });
});

describe('no answer is given here to', () => {
  test.each([
    ['another method', head(HEADERS, 'POST / HTTP/1.1')],
    ['a method in lower case', head(HEADERS, 'get / HTTP/1.1')],
    ['another version', head(HEADERS, 'GET / HTTP/1.0')],
    ['no target', head(HEADERS, 'GET  HTTP/1.1')],
    ['two spaces in the first line', head(HEADERS, 'GET  / HTTP/1.1')],
    ['a target beyond ASCII', head(HEADERS, 'GET /\u00fc HTTP/1.1')],
    ['an empty line in front', `\r\n${head()}`],
    ['an absolute target', head(HEADERS, 'GET http://a/ HTTP/1.1')],
    ['an upgrade without Connection', head(['Host: a', 'Upgrade: websocket'])],
    ['an upgrade that Connection does not name', head(['Upgrade: websocket', 'Connection: close'])],
    ['no upgrade', head(['Host: a', 'Connection: Upgrade'])],
    ['an upgrade to something else', head(['Host: a', 'Upgrade: h2c', 'Connection: Upgrade'])],
    ['an upgrade to one of several', head(['Connection: Upgrade', 'Upgrade: h2c, websocket'])],
    [
      'two upgrades, of which the last is something else',
      head(['Connection: Upgrade', 'Upgrade: websocket', 'Upgrade: h2c']),
    ],
    ['a space in front of a colon', head([...HEADERS, 'X : a'])],
    ['a space in front of a name', head([...HEADERS, ' X: a'])],
    ['a line without a colon', head([...HEADERS, 'X'])],
    ['a line without a name', head([...HEADERS, ': a'])],
    ['a request with a body', head([...HEADERS, 'Content-Length: 1'])],
    ['a tab behind a length of 0', head([...HEADERS, 'Content-Length: 0\t'])],
    ['a length of 00', head([...HEADERS, 'Content-Length: 00'])],
    ['an empty length', head([...HEADERS, 'Content-Length:'])],
    ['two lengths of 0', head([...HEADERS, 'Content-Length: 0', 'Content-Length: 0'])],
    ['a length of 0 beside a coding', head([...HEADERS, 'Content-Length: 0', 'Transfer-Encoding: chunked'])],
    ['a request with a body of unknown length', head([...HEADERS, 'transfer-encoding: chunked'])],
    ['a folded line', head([...HEADERS, 'X: a', '\tb'])],
    ['a name beyond ASCII', head([...HEADERS, '\u00fc: a'])],
    ['a bare carriage return', head([...HEADERS, 'X: a\rY: b'])],
    ['a bare line feed', head([...HEADERS, 'X: a\nY: b'])],
    ['a null byte', head([...HEADERS, 'X: \0'])],
    ['a DEL', head([...HEADERS, 'X: \x7f'])],
    ['a head without its end', head().slice(0, -2)],
    ['something behind its end', `${head()}x`],
    ['nothing', ''],
  ])('%s', (_what, text) => {
    expect(readUpgradeRequest(text, 100)).toBeUndefined();
  });
});

/** The request that Node's parser reads from a head, or its refusal. */
async function readByNode(text: string): Promise<unknown> {
  const http = createServer();
  const found = new Promise<unknown>((resolve) => {
    http.on('upgrade', ({ method, url, httpVersion, rawHeaders }, socket) => {
      resolve({ method, target: url, httpVersion, rawHeaders });
      socket.destroy();
    });
    http.on('request', () => resolve('request'));
    http.on('clientError', () => resolve('error'));
  });
  const socket = new Duplex({ read() {}, write: (_bytes, _encoding, done) => done() });
  http.emit('connection', socket);
  socket.push(Buffer.from(text, 'latin1'));
  const result = await found;
  socket.destroy();
  return result;
}

test('whatever is read here, Node’s parser reads in the same way', async () => {
  const piece = fc.constantFrom(
    ...['\r\n', '\r', '\n', ' ', '\t', ':', ',', '\0', '\x7f', '\u00fc', 'a', 'X', 'Upgrade: websocket', 'Host: h'],
    ...['Connection: Upgrade', 'GET / HTTP/1.1', '/', '"', '(', 'Content-Length: 0', 'Transfer-Encoding: chunked'],
  );
  const line = fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join(''));
  const lines = fc.array(fc.oneof(fc.constantFrom(...HEADERS), line), { maxLength: 6 });
  let read = 0;
  await fc.assert(
    fc.asyncProperty(
      lines,
      fc.constantFrom('GET /a HTTP/1.1', 'GET /?b=%00#c HTTP/1.1', 'GET //b HTTP/1.1'),
      async (all, first) => {
        const text = head([...all.slice(0, 3), ...HEADERS, ...all.slice(3)], first);
        const ours = readUpgradeRequest(text, 100);
        if (ours === undefined) return;
        read++;
        expect(await readByNode(text)).toEqual(ours);
      },
    ),
    { numRuns: 2000 },
  );
  expect(read).toBeGreaterThan(100);
});
