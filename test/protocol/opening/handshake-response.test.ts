import { createHash } from 'node:crypto';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { acceptKey } from '../../../dist/protocol/opening/accept-key.js';
import { type OpeningHandshake, readHandshake } from '../../../dist/protocol/opening/handshake.js';
import { HandshakeConfigError, HandshakeError } from '../../../dist/protocol/opening/handshake-error.js';
import { type HeaderSource, renderAccept, renderRefusal } from '../../../dist/protocol/opening/handshake-response.js';
import { sha1Base64 } from '../../../dist/system/sha1.js';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

function offering(subprotocols?: string, extensions?: string): OpeningHandshake {
  const rawHeaders = ['Host', 'a', 'Upgrade', 'websocket', 'Connection', 'Upgrade'];
  rawHeaders.push('Sec-WebSocket-Key', KEY, 'Sec-WebSocket-Version', '13');
  if (subprotocols !== undefined) rawHeaders.push('Sec-WebSocket-Protocol', subprotocols);
  if (extensions !== undefined) rawHeaders.push('Sec-WebSocket-Extensions', extensions);
  return readHandshake({ method: 'GET', target: '/', httpVersion: '1.1', rawHeaders });
}

/** Reads a response as HTTP does: the status line, the field lines, and what follows the empty line. */
function parse(response: string) {
  const end = response.indexOf('\r\n\r\n');
  const [statusLine, ...lines] = response.slice(0, end).split('\r\n');
  const headers = lines.map((line) => {
    const colon = line.indexOf(': ');
    return [line.slice(0, colon), line.slice(colon + 2)] as const;
  });
  return { statusLine, headers, body: response.slice(end + 4) };
}

function configError(action: () => unknown): HandshakeConfigError {
  try {
    action();
  } catch (error) {
    if (error instanceof HandshakeConfigError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('Sec-WebSocket-Accept (section 4.2.2, step 5.4)', () => {
  test("answers the RFC's own key with the RFC's own value", () => {
    expect(acceptKey(KEY, sha1Base64)).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  });

  test('is the SHA-1 of the key in base64 with the GUID behind it, for any key', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const key = Buffer.from(bytes).toString('base64');
        const expected = createHash('sha1').update(key).update('258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
        expect(acceptKey(key, sha1Base64)).toBe(expected);
      }),
    );
  });
});

describe("the server's opening handshake (section 4.2.2, step 5)", () => {
  test('is the response of section 1.2, and ends with an empty line', () => {
    expect(renderAccept(offering('chat, superchat'), sha1Base64, { subprotocol: 'chat' })).toBe(
      'HTTP/1.1 101 Switching Protocols\r\n' +
        'Upgrade: websocket\r\n' +
        'Connection: Upgrade\r\n' +
        'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n' +
        'Sec-WebSocket-Protocol: chat\r\n' +
        '\r\n',
    );
  });

  test('names no subprotocol and no extension unless one is accepted', () => {
    const head = renderAccept(offering('chat', 'foo'), sha1Base64);
    expect(head).not.toMatch(/Sec-WebSocket-(Protocol|Extensions)/);
    expect(renderAccept(offering('chat', 'foo'), sha1Base64, { extensions: [], headers: [] })).toBe(head);
  });

  test.each(['other', '', 'Chat', 'chat, superchat', '__proto__', 'chat\r\nX: y'])(
    'refuses to name the subprotocol %j, which was not offered',
    (subprotocol) => {
      const error = configError(() => renderAccept(offering('chat, superchat'), sha1Base64, { subprotocol }));
      expect(error).toMatchObject({ code: 'WSLOOM_SUBPROTOCOL_NOT_OFFERED', option: 'subprotocol' });
      expect(error.message).toContain('chat, superchat');
    },
  );

  test('refuses to name any subprotocol to a client that offered none', () => {
    const error = configError(() => renderAccept(offering(), sha1Base64, { subprotocol: 'chat' }));
    expect(error.code).toBe('WSLOOM_SUBPROTOCOL_NOT_OFFERED');
    expect(error.message).toContain('offered none');
  });

  test('names the accepted extensions in the order given, with their parameters', () => {
    const extensions = [
      { name: 'bar', parameters: [] },
      {
        name: 'foo',
        parameters: [
          { name: 'flag', value: undefined },
          { name: 'x', value: '1' },
        ],
      },
    ];
    expect(parse(renderAccept(offering(undefined, 'foo, bar'), sha1Base64, { extensions })).headers).toContainEqual([
      'Sec-WebSocket-Extensions',
      'bar, foo; flag; x=1',
    ]);
  });

  test.each([
    [undefined, ['foo']],
    ['foo', ['bar']],
    ['foo', ['Foo']],
    ['foo', ['foo', 'foo']],
    ['foo', ['foo\r\nX: y']],
    ['foo, bar', ['foo', 'constructor']],
  ])('refuses, where %j was offered, to accept %j', (offered, names) => {
    const extensions = names.map((name) => ({ name, parameters: [] }));
    const error = configError(() => renderAccept(offering(undefined, offered), sha1Base64, { extensions }));
    expect(error).toMatchObject({ code: 'WSLOOM_EXTENSION_NOT_OFFERED', option: 'extensions' });
  });

  test('accepts one extension as often as it was offered', () => {
    const extensions = [
      { name: 'foo', parameters: [] },
      { name: 'foo', parameters: [{ name: 'x', value: undefined }] },
    ];
    expect(renderAccept(offering(undefined, 'foo, foo; x'), sha1Base64, { extensions })).toContain('foo, foo; x\r\n');
  });

  test.each([
    ['a b', '1'],
    ['', '1'],
    ['a', ''],
    ['a', 'b c'],
    ['a', '"b"'],
    ['a', 'b\r\nX: y'],
    ['a\r\nX: y', undefined],
  ])('refuses the parameter %j with the value %j, which are not tokens', (name, value) => {
    const extensions = [{ name: 'foo', parameters: [{ name, value }] }];
    const error = configError(() => renderAccept(offering(undefined, 'foo'), sha1Base64, { extensions }));
    expect(error).toMatchObject({ code: 'WSLOOM_EXTENSION_INVALID', option: 'extensions' });
  });
});

describe("the application's headers in an acceptance", () => {
  const sources: [string, HeaderSource][] = [
    ['a record', { 'Set-Cookie': ['a=1; Path=/', 'b=2'], 'X-Trace': '1' }],
    [
      'an array of pairs',
      [['Set-Cookie', 'a=1; Path=/'] as const, ['Set-Cookie', 'b=2'] as const, ['X-Trace', '1'] as const],
    ],
    [
      'a Map',
      new Map<string, string | string[]>([
        ['Set-Cookie', ['a=1; Path=/', 'b=2']],
        ['X-Trace', '1'],
      ]),
    ],
  ];

  test.each(sources)('are taken from %s, Set-Cookie more than once', (_, headers) => {
    expect(parse(renderAccept(offering(), sha1Base64, { headers })).headers.slice(3)).toEqual([
      ['Set-Cookie', 'a=1; Path=/'],
      ['Set-Cookie', 'b=2'],
      ['X-Trace', '1'],
    ]);
  });

  test("are taken from WHATWG's Headers", () => {
    const headers = new Headers([
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ]);
    expect(parse(renderAccept(offering(), sha1Base64, { headers })).headers.slice(3)).toEqual([
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ]);
  });

  test('may be empty, have tabs inside, and no lines at all', () => {
    const headers = { 'X-Empty': '', 'X-Tab': 'a\tb', 'X-None': [] };
    expect(parse(renderAccept(offering(), sha1Base64, { headers })).headers.slice(3)).toEqual([
      ['X-Empty', ''],
      ['X-Tab', 'a\tb'],
    ]);
  });

  test.each(['\r', '\n', '\r\n', '\0', '\x1b', '\x7f', '\x85', 'é', '\u560d\u560a', '\u2028'])(
    'may not contain %j, in a value or in a name',
    (character) => {
      const inValue = () =>
        renderAccept(offering(), sha1Base64, { headers: { 'X-A': `1${character}Set-Cookie: b=2` } });
      const inArray = () => renderAccept(offering(), sha1Base64, { headers: { 'X-A': ['1', `${character}2`] } });
      const inName = () => renderAccept(offering(), sha1Base64, { headers: [[`X${character}`, '1']] });
      for (const action of [inValue, inArray, inName]) {
        expect(configError(action)).toMatchObject({ code: 'WSLOOM_HEADER_INVALID', option: 'headers' });
      }
    },
  );

  test.each(['', ' ', 'X A', 'X:', 'X-A ', '(x)'])('may not be called %j', (name) => {
    expect(configError(() => renderAccept(offering(), sha1Base64, { headers: [[name, '1']] })).code).toBe(
      'WSLOOM_HEADER_INVALID',
    );
  });

  test.each([
    [5],
    [undefined],
    [null],
    [{}],
    [Object.create(null)],
    [Symbol('s')],
    [[1]],
    [['a', undefined]],
    [[['a']]],
  ])('may not have the value %o', (value) => {
    const headers = { 'X-A': value } as unknown as HeaderSource;
    expect(configError(() => renderAccept(offering(), sha1Base64, { headers })).code).toBe('WSLOOM_HEADER_INVALID');
  });

  test('may not be a flat list, nor a string', () => {
    for (const headers of [['Set-Cookie', 'a=1'], 'Set-Cookie: a=1', [['Set-Cookie']], 5, null]) {
      const action = () => renderAccept(offering(), sha1Base64, { headers: headers as unknown as HeaderSource });
      expect(configError(action).code).toBe('WSLOOM_HEADER_INVALID');
    }
  });

  test.each([
    'Upgrade',
    'Connection',
    'Sec-WebSocket-Accept',
    'Sec-WebSocket-Protocol',
    'Sec-WebSocket-Extensions',
    'Sec-WebSocket-Version',
    'Sec-WebSocket-Key',
    'Content-Length',
    'Transfer-Encoding',
  ])('may not be %s, in any case', (name) => {
    for (const spelling of [name, name.toLowerCase(), name.toUpperCase()]) {
      const error = configError(() => renderAccept(offering(), sha1Base64, { headers: { [spelling]: 'x' } }));
      expect(error).toMatchObject({ code: 'WSLOOM_HEADER_OWNED', option: 'headers' });
    }
  });

  test('whatever they are, either they are refused or the head has exactly those lines more', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.string({ unit: fc.constantFrom(...'aB-: \r\n\t') }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(text, fc.oneof(text, fc.array(text, { maxLength: 3 }))), { maxLength: 3 }),
        (headers) => {
          let head: string;
          try {
            head = renderAccept(offering(), sha1Base64, { headers });
          } catch (error) {
            expect(error).toBeInstanceOf(HandshakeConfigError);
            return;
          }
          const lines = headers.flatMap(([name, values]) => [values].flat().map((value) => [name, value]));
          expect(parse(head).headers.slice(3)).toEqual(lines);
          expect(parse(head).body).toBe('');
        },
      ),
    );
  });
});

describe('a refusal (section 4.2.2, steps 2 to 4)', () => {
  test('is a complete response that closes the connection', () => {
    expect(renderRefusal(404, { body: 'no such service\n' })).toBe(
      'HTTP/1.1 404 Not Found\r\n' +
        'Connection: close\r\n' +
        'Content-Type: text/plain; charset=utf-8\r\n' +
        'X-Content-Type-Options: nosniff\r\n' +
        'Content-Length: 16\r\n' +
        '\r\n' +
        'no such service\n',
    );
  });

  test('may allow sniffing by a header of its own', () => {
    const { headers } = parse(renderRefusal(403, { headers: { 'x-content-type-options': 'other' } }));
    expect(headers.filter(([name]) => name?.toLowerCase() === 'x-content-type-options')).toEqual([
      ['x-content-type-options', 'other'],
    ]);
  });

  test('counts its length in bytes of UTF-8', () => {
    for (const body of ['', 'é', '\u{1f600}', 'a\r\n\r\nb', '\ud800']) {
      const { headers } = parse(renderRefusal(403, { body }));
      expect(headers).toContainEqual(['Content-Length', String(Buffer.from(body).length)]);
    }
  });

  test('has its reason phrase as a body if none is given', () => {
    expect(parse(renderRefusal(503))).toMatchObject({
      statusLine: 'HTTP/1.1 503 Service Unavailable',
      body: 'Service Unavailable',
    });
  });

  test.each([
    [300, 'Multiple Choices'],
    [399, 'Redirection'],
    [418, 'Client Error'],
    [499, 'Client Error'],
    [599, 'Server Error'],
  ])('%d has the reason phrase %s', (status, reason) => {
    expect(parse(renderRefusal(status)).statusLine).toBe(`HTTP/1.1 ${status} ${reason}`);
  });

  test('takes another reason phrase, the empty one too', () => {
    expect(parse(renderRefusal(400, { reason: 'No, thank you' })).statusLine).toBe('HTTP/1.1 400 No, thank you');
    expect(parse(renderRefusal(400, { reason: '' })).statusLine).toBe('HTTP/1.1 400 ');
  });

  test.each(['a\r\nX: y', 'a\n', '\0', 'é'])('refuses the reason phrase %j', (reason) => {
    expect(configError(() => renderRefusal(400, { reason }))).toMatchObject({
      code: 'WSLOOM_REASON_INVALID',
      option: 'reason',
    });
  });

  test.each([
    0,
    100,
    101,
    200,
    204,
    299,
    600,
    999,
    404.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    -404,
    '404' as unknown as number,
  ])('cannot have the status %s', (status) => {
    expect(configError(() => renderRefusal(status))).toMatchObject({ code: 'WSLOOM_STATUS_INVALID', option: 'status' });
  });

  test('redirects and asks for authentication with the headers given', () => {
    expect(parse(renderRefusal(307, { headers: { Location: 'wss://b.example/' } })).headers).toContainEqual([
      'Location',
      'wss://b.example/',
    ]);
    const challenges = { 'WWW-Authenticate': ['Basic realm="a"', 'Bearer'] };
    const lines = parse(renderRefusal(401, { headers: challenges })).headers.filter(
      ([name]) => name === 'WWW-Authenticate',
    );
    expect(lines.map(([, value]) => value)).toEqual(challenges['WWW-Authenticate']);
  });

  test('lets its content type be replaced, and not doubled', () => {
    const { headers } = parse(renderRefusal(403, { headers: { 'content-type': 'application/json' }, body: '{}' }));
    expect(headers.filter(([name]) => name.toLowerCase() === 'content-type')).toEqual([
      ['content-type', 'application/json'],
    ]);
  });

  test('lists Upgrade as a connection option when it names the protocol to upgrade to (RFC 9110 section 7.8)', () => {
    const { headers } = parse(renderRefusal(426, { headers: { Upgrade: 'websocket' } }));
    expect(headers).toContainEqual(['Connection', 'close, Upgrade']);
    expect(headers).toContainEqual(['Upgrade', 'websocket']);
  });

  test.each(['Connection', 'content-length', 'Transfer-Encoding'])('does not let %s be set', (name) => {
    expect(configError(() => renderRefusal(400, { headers: { [name]: '1' } })).code).toBe('WSLOOM_HEADER_OWNED');
  });

  test('lets no line break into its headers', () => {
    const headers = { Location: '/\r\nSet-Cookie: a=1' };
    expect(configError(() => renderRefusal(302, { headers })).code).toBe('WSLOOM_HEADER_INVALID');
  });

  test('can be made from a HandshakeError: for a wrong version it names the right one (section 4.4)', () => {
    let refused: unknown;
    try {
      const rawHeaders = ['Host', 'a', 'Upgrade', 'websocket', 'Connection', 'Upgrade', 'Sec-WebSocket-Version', '25'];
      readHandshake({ method: 'GET', target: '/chat', httpVersion: '1.1', rawHeaders });
    } catch (error) {
      refused = error;
    }
    if (!(refused instanceof HandshakeError)) throw new Error('the handshake was accepted');
    const { statusLine, headers, body } = parse(
      renderRefusal(refused.status, { headers: refused.headers, body: refused.message }),
    );
    expect(statusLine).toBe('HTTP/1.1 426 Upgrade Required');
    expect(headers).toContainEqual(['Sec-WebSocket-Version', '13']);
    expect(body).toContain('"25"');
  });
});
