import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { type HandshakeRequest, readHandshake } from '../../../dist/protocol/opening/handshake.js';
import { HandshakeError, HeaderSyntaxError } from '../../../dist/protocol/opening/handshake-error.js';
import { HandshakeHeaders } from '../../../dist/protocol/opening/handshake-headers.js';
import { formatExtensions } from '../../../dist/protocol/opening/header-grammar.js';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

/** The headers of RFC 6455 section 1.2, as [name, value]. */
const EXAMPLE: readonly (readonly [string, string])[] = [
  ['Host', 'server.example.com'],
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Sec-WebSocket-Key', KEY],
  ['Origin', 'http://example.com'],
  ['Sec-WebSocket-Protocol', 'chat, superchat'],
  ['Sec-WebSocket-Version', '13'],
];

function request(overrides: Partial<HandshakeRequest> = {}): HandshakeRequest {
  return { method: 'GET', target: '/chat', httpVersion: '1.1', rawHeaders: EXAMPLE.flat(), ...overrides };
}

/** The example without the headers called `name`, and with these field lines of that name at its end. */
function withHeader(name: string, ...values: string[]): HandshakeRequest {
  const others = EXAMPLE.filter(([other]) => other.toLowerCase() !== name.toLowerCase());
  return request({ rawHeaders: [...others.flat(), ...values.flatMap((value) => [name, value])] });
}

function refusal(of: HandshakeRequest): HandshakeError {
  try {
    readHandshake(of);
  } catch (error) {
    if (error instanceof HandshakeError) return error;
    throw error;
  }
  throw new Error('the handshake was accepted');
}

function expectRefusal(of: HandshakeRequest, status: number, code: string): HandshakeError {
  const error = refusal(of);
  expect({ status: error.status, code: error.code }).toEqual({ status, code });
  return error;
}

describe('a valid opening handshake', () => {
  test('reads the example of section 1.2', () => {
    const handshake = readHandshake(request());
    expect(handshake).toMatchObject({
      target: '/chat',
      path: '/chat',
      query: '',
      host: 'server.example.com',
      origin: 'http://example.com',
      key: KEY,
      subprotocols: ['chat', 'superchat'],
      extensions: [],
    });
  });

  test('needs no Origin, subprotocol or extension', () => {
    const names = ['origin', 'sec-websocket-protocol'];
    const rawHeaders = EXAMPLE.filter(([name]) => !names.includes(name.toLowerCase())).flat();
    const handshake = readHandshake(request({ rawHeaders }));
    expect(handshake).toMatchObject({ subprotocols: [], extensions: [] });
    expect(handshake.origin).toBeUndefined();
  });

  test('takes header names in any case and any order', () => {
    const upper = EXAMPLE.map(([name, value]) => [name.toUpperCase(), value]);
    const lower = EXAMPLE.map(([name, value]) => [name.toLowerCase(), value]).reverse();
    for (const headers of [upper, lower]) {
      expect(readHandshake(request({ rawHeaders: headers.flat() }))).toMatchObject({
        key: KEY,
        host: 'server.example.com',
      });
    }
  });

  test('ignores headers that it does not know', () => {
    const rawHeaders = [...EXAMPLE.flat(), 'X-Unknown', '\x80\xff', 'Sec-WebSocket-Accept', 'x', '__proto__', 'y'];
    expect(readHandshake(request({ rawHeaders })).key).toBe(KEY);
  });

  test('takes the handshakes that browsers send', () => {
    const chrome = [
      'Host',
      'localhost:3000',
      'Connection',
      'Upgrade',
      'Pragma',
      'no-cache',
      'Cache-Control',
      'no-cache',
    ];
    chrome.push('User-Agent', 'Mozilla/5.0', 'Upgrade', 'websocket', 'Origin', 'null', 'Sec-WebSocket-Version', '13');
    chrome.push('Accept-Encoding', 'gzip, deflate, br, zstd', 'Sec-WebSocket-Key', 'x3JJHMbDL1EzLkh9GBhXDw==');
    chrome.push('Sec-WebSocket-Extensions', 'permessage-deflate; client_max_window_bits');
    expect(readHandshake(request({ rawHeaders: chrome }))).toMatchObject({
      origin: 'null',
      host: 'localhost:3000',
      extensions: [{ name: 'permessage-deflate', parameters: [{ name: 'client_max_window_bits', value: undefined }] }],
    });
    const firefox = withHeader('Connection', 'keep-alive, Upgrade');
    expect(readHandshake(firefox).key).toBe(KEY);
  });
});

describe('the request line (section 4.1, items 1 to 3; section 4.2.1, item 1)', () => {
  test.each(['POST', 'HEAD', 'CONNECT', 'OPTIONS', 'get', 'Get', '', 'GET '])(
    'refuses the method %j with 405 and says which is allowed',
    (method) => {
      const error = expectRefusal(request({ method }), 405, 'WSLOOM_HANDSHAKE_METHOD');
      expect(error.headers).toEqual({ Allow: 'GET' });
      expect(error.message).toContain(JSON.stringify(method));
    },
  );

  test.each(['1.1', '1.2', '1.9'])('takes HTTP/%s', (httpVersion) => {
    expect(readHandshake(request({ httpVersion })).key).toBe(KEY);
  });

  test.each(['1.0', '0.9', '2.0', '3.0', '1', '1.', '1.10', '11.', 'x1.1', ''])(
    'refuses HTTP version %j with 505',
    (httpVersion) => {
      expectRefusal(request({ httpVersion }), 505, 'WSLOOM_HANDSHAKE_HTTP_VERSION');
    },
  );

  test.each([
    ['/', '/', ''],
    ['/chat?room=1', '/chat', 'room=1'],
    ['/chat?', '/chat', ''],
    ['/?a?b/c', '/', 'a?b/c'],
    ['//host/path', '//host/path', ''],
    ['/a/../b', '/a/../b', ''],
    ['/%c3%a9?%zz', '/%c3%a9', '%zz'],
    ['/a|b?q="{x}"', '/a|b', 'q="{x}"'],
    ['/http://elsewhere/', '/http://elsewhere/', ''],
  ])('takes %s in origin-form', (target, path, query) => {
    expect(readHandshake(request({ target }))).toMatchObject({ target, path, query, host: 'server.example.com' });
  });

  test.each([
    ['http://other.example/chat?x=1', 'other.example', '/chat', 'x=1'],
    ['https://other.example:8443/chat', 'other.example:8443', '/chat', ''],
    ['ws://other.example', 'other.example', '/', ''],
    ['wss://other.example?x', 'other.example', '/', 'x'],
    ['HTTP://other.example/', 'other.example', '/', ''],
    ['ws://[2001:db8::1]:81/x', '[2001:db8::1]:81', '/x', ''],
    ['ws://other.example/a://b', 'other.example', '/a://b', ''],
    ['ws://other.example:/', 'other.example:', '/', ''],
  ])('takes %s in absolute-form, and its authority wins over Host', (target, host, path, query) => {
    expect(readHandshake(request({ target }))).toMatchObject({ target, host, path, query });
  });

  test.each([
    '',
    '*',
    'chat',
    '?x',
    'server.example.com:80',
    'ftp://server.example.com/',
    'javascript://x/',
    '__proto__://x/',
    '://x/',
    'http:/x',
    'http:x',
    'http://',
    'http:///path',
    'http://?x',
    'http://:80/',
    'http://user@host/',
    'http://user:password@host/',
    'http://host:port/',
    'http://host:65536/',
    'http://[::1/',
    'http://[]/',
    'http://[::1]x/',
    'http://ho\\st/',
    '/chat#fragment',
    '/#',
    'http://host/#f',
    'http://host#f',
    '/a b',
    '/a\tb',
    '/a\r\nb',
    '/\0',
    '/\x7f',
    '/é',
    '/\u{1f600}',
  ])('refuses the target %j with 400', (target) => {
    expectRefusal(request({ target }), 400, 'WSLOOM_HANDSHAKE_TARGET');
  });
});

describe('Host (section 4.1, item 4; section 4.2.1, item 2)', () => {
  test.each([
    'localhost',
    'a.b:80',
    '127.0.0.1:9',
    '[::1]',
    '[::]:443',
    'my_host',
    'xn--bcher-kva.example',
    'a:',
    'a:65535',
  ])('takes %s', (host) => {
    expect(readHandshake(withHeader('Host', host)).host).toBe(host);
  });

  test.each([
    '',
    ' ',
    'a b',
    'a/b',
    'a?b',
    'a#b',
    'u@a',
    ':80',
    'a:b',
    'a:65536',
    'a:8:8',
    '::1',
    '[::1',
    '[]',
    '[:]',
    '[::1]1',
    'é',
    'a\\b',
    'a, b',
    'a,b',
  ])('refuses %j with 400', (host) => {
    expectRefusal(withHeader('Host', host), 400, 'WSLOOM_HANDSHAKE_HOST');
  });

  test('must come', () => {
    expectRefusal(withHeader('Host'), 400, 'WSLOOM_HANDSHAKE_HOST');
  });

  test('must not come twice, even alike, which an object of headers would not show', () => {
    const error = expectRefusal(withHeader('Host', 'a', 'a'), 400, 'WSLOOM_HANDSHAKE_HOST');
    expect(error.message).toContain('2 times');
  });

  test('is still required and checked when the target is absolute', () => {
    const target = 'http://server.example.com/';
    expectRefusal({ ...withHeader('Host'), target }, 400, 'WSLOOM_HANDSHAKE_HOST');
    expectRefusal({ ...withHeader('Host', 'a b'), target }, 400, 'WSLOOM_HANDSHAKE_HOST');
  });
});

describe('a body (RFC 9110 section 9.3.1)', () => {
  test.each([
    ['Content-Length', '5'],
    ['Content-Length', '00'],
    ['Content-Length', '+0'],
    ['Content-Length', '0, 0'],
    ['Content-Length', ' 0'],
    ['content-length', ''],
    ['Transfer-Encoding', 'chunked'],
    ['TRANSFER-ENCODING', 'identity'],
  ])('is refused with 400 when announced by %s: %s', (name, value) => {
    expectRefusal(withHeader(name, value), 400, 'WSLOOM_HANDSHAKE_BODY');
  });
});

describe('a length of 0, which embedded clients send', () => {
  test.each(['Content-Length', 'content-length', 'CONTENT-LENGTH'])('is no body as %s, once', (name) => {
    expect(readHandshake(withHeader(name, '0')).key).toBe(KEY);
    expectRefusal(withHeader(name, '0', '0'), 400, 'WSLOOM_HANDSHAKE_BODY');
  });

  test('counts as a body beside a transfer coding, whichever comes first', () => {
    for (const lines of [
      ['Content-Length', '0', 'Transfer-Encoding', 'chunked'],
      ['Transfer-Encoding', 'chunked', 'Content-Length', '0'],
    ]) {
      expectRefusal(request({ rawHeaders: [...EXAMPLE.flat(), ...lines] }), 400, 'WSLOOM_HANDSHAKE_BODY');
    }
  });
});

describe('Upgrade (section 4.1, item 5; section 4.2.1, item 3)', () => {
  test.each([
    ['websocket'],
    ['WebSocket'],
    ['WEBSOCKET'],
    ['h2c, websocket'],
    [' \twebsocket\t ,'],
    [',,websocket'],
    ['h2c', 'websocket'],
    ['foo/1.0,websocket,bar'],
  ])('takes %j', (...values) => {
    expect(readHandshake(withHeader('Upgrade', ...values)).key).toBe(KEY);
  });

  test.each([
    [],
    [''],
    ['h2c'],
    ['websockets'],
    ['web socket'],
    ['xwebsocket'],
    ['websocket/13'],
    ['"websocket"'],
    ['websoc\u212Aet'],
    ['web', 'socket'],
  ])('answers 426 and names the protocol to %j', (...values) => {
    const error = expectRefusal(withHeader('Upgrade', ...values), 426, 'WSLOOM_HANDSHAKE_UPGRADE');
    expect(error.headers).toEqual({ Upgrade: 'websocket' });
  });
});

describe('Connection (section 4.1, item 6; section 4.2.1, item 4)', () => {
  test.each([
    ['Upgrade'],
    ['upgrade'],
    ['UPGRADE'],
    ['keep-alive, Upgrade'],
    ['Upgrade,keep-alive'],
    ['keep-alive', 'upgrade'],
  ])('takes %j', (...values) => {
    expect(readHandshake(withHeader('Connection', ...values)).key).toBe(KEY);
  });

  test.each([[], [''], ['keep-alive'], ['close'], ['upgrades'], ['keep-alive Upgrade'], ['Upgrade;q=1']])(
    'refuses %j with 400',
    (...values) => {
      expectRefusal(withHeader('Connection', ...values), 400, 'WSLOOM_HANDSHAKE_CONNECTION');
    },
  );
});

describe('Sec-WebSocket-Key (section 4.1, item 7; section 4.2.1, item 5; section 11.3.1)', () => {
  test.each(['AAAAAAAAAAAAAAAAAAAAAA==', '/////////////////////w==', '+/+/+/+/+/+/+/+/+/+/+g=='])('takes %s', (key) => {
    expect(readHandshake(withHeader('Sec-WebSocket-Key', key)).key).toBe(key);
  });

  test('takes the base64 of any 16 bytes, and of no other number of them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 40 }), (bytes) => {
        const key = Buffer.from(bytes).toString('base64');
        const read = () => readHandshake(withHeader('Sec-WebSocket-Key', key)).key;
        if (bytes.length === 16) expect(read()).toBe(key);
        else expect(read).toThrow(HandshakeError);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const key = Buffer.from(bytes).toString('base64');
        expect(readHandshake(withHeader('Sec-WebSocket-Key', key)).key).toBe(key);
      }),
    );
  });

  test.each([
    '',
    'dGhlIHNhbXBsZSBub25jZQ=',
    'dGhlIHNhbXBsZSBub25jZQ',
    'dGhlIHNhbXBsZSBub25jZQ===',
    'dGhlIHNhbXBsZSBub25jZQ==,',
    ' dGhlIHNhbXBsZSBub25jZQ==',
    'dGhlIHNhbXBsZSBub25jZQ==\n',
    'dGhlIHNhbXBsZSBub25jZ===',
    'dGhlIHNhbXBsZSBub25j_Q==',
    'dGhlIHNhbXBsZSBub25j=Q==',
    'dGhlIHNhbXBsZSBub25jZQ=A',
    'dGhlIHNhbXBsZSBub25jZQQQ',
    'dGhlIHNhbXBsZSBub25é\u0141Q==',
  ])('refuses %j with 400', (key) => {
    expectRefusal(withHeader('Sec-WebSocket-Key', key), 400, 'WSLOOM_HANDSHAKE_KEY');
  });

  test('may have padding bits that are not zero, as the example printed in section 4.1 has them', () => {
    expect(readHandshake(withHeader('Sec-WebSocket-Key', 'AQIDBAUGBwgJCgsMDQ4PEC==')).key).toMatch(/^AQID/);
  });

  test('must come, and not twice, even alike', () => {
    expectRefusal(withHeader('Sec-WebSocket-Key'), 400, 'WSLOOM_HANDSHAKE_KEY');
    expectRefusal(withHeader('Sec-WebSocket-Key', KEY, KEY), 400, 'WSLOOM_HANDSHAKE_KEY');
  });
});

describe('Sec-WebSocket-Version (section 4.1, item 9; section 4.2.1, item 6; section 4.4)', () => {
  test.each([
    [],
    [''],
    ['8'],
    ['0'],
    ['25'],
    ['013'],
    ['13.0'],
    ['+13'],
    [' 13'],
    ['13, 13'],
    ['8, 13'],
    ['13', '13'],
    ['13', '8'],
    ['0x0d'],
  ])('answers 426 and the version spoken to %j', (...values) => {
    const error = expectRefusal(withHeader('Sec-WebSocket-Version', ...values), 426, 'WSLOOM_HANDSHAKE_VERSION');
    expect(error.headers).toEqual({ 'Sec-WebSocket-Version': '13', Upgrade: 'websocket' });
  });

  test('is checked before headers that another version may define in another way', () => {
    const rawHeaders = ['Host', 'a', 'Upgrade', 'websocket', 'Connection', 'upgrade', 'Sec-WebSocket-Version', '14'];
    rawHeaders.push('Sec-WebSocket-Key', 'another form', 'Sec-WebSocket-Extensions', '=');
    expectRefusal(request({ rawHeaders }), 426, 'WSLOOM_HANDSHAKE_VERSION');
  });
});

describe('Origin (section 4.1, item 8; section 4.2.1, item 7)', () => {
  test.each(['http://example.com', 'null', '', 'HTTP://Example.Com:80', 'file://'])(
    'passes %j on as it is',
    (origin) => {
      expect(readHandshake(withHeader('Origin', origin)).origin).toBe(origin);
    },
  );

  test('must not come twice', () => {
    expectRefusal(withHeader('Origin', 'http://a', 'http://b'), 400, 'WSLOOM_HANDSHAKE_ORIGIN');
  });
});

describe('Sec-WebSocket-Protocol (section 4.1, item 10; section 4.2.1, item 8)', () => {
  test.each([
    [['chat'], ['chat']],
    [['chat,superchat'], ['chat', 'superchat']],
    [['chat \t,\t superchat'], ['chat', 'superchat']],
    [
      ['b', 'a'],
      ['b', 'a'],
    ],
    [[', chat,, superchat ,'], ['chat', 'superchat']],
    [['', 'chat'], ['chat']],
    [['chat, Chat'], ['chat', 'Chat']],
    [["!#$%&'*+-.^_`|~09azAZ"], ["!#$%&'*+-.^_`|~09azAZ"]],
    [['__proto__, constructor'], ['__proto__', 'constructor']],
  ])('reads %j in order, repeated headers joined', (values, expected) => {
    expect(readHandshake(withHeader('Sec-WebSocket-Protocol', ...values)).subprotocols).toEqual(expected);
  });

  test('takes an empty one for no offer', () => {
    expect(readHandshake(withHeader('Sec-WebSocket-Protocol', '')).subprotocols).toEqual([]);
  });

  test.each([[' '], [','], [', ,'], ['', '']])('refuses %j, which has no element, with 400', (...values) => {
    expectRefusal(withHeader('Sec-WebSocket-Protocol', ...values), 400, 'WSLOOM_HANDSHAKE_SUBPROTOCOLS');
  });

  test.each([
    'chat room',
    'chat;v=1',
    '"chat"',
    'chat/1',
    'chat:1',
    'a, b c',
    'é',
    'chat\0',
    '(a)',
    'a=b',
    'a\\b',
    '\x7f',
  ])('refuses %j, which is not a list of tokens, with 400', (value) => {
    const error = expectRefusal(withHeader('Sec-WebSocket-Protocol', value), 400, 'WSLOOM_HANDSHAKE_SUBPROTOCOLS');
    expect(error.cause).toBeInstanceOf(HeaderSyntaxError);
  });

  test.each([[['chat, chat']], [['chat', 'superchat', 'chat']]])(
    'refuses %j, which names one twice, with 400',
    (values) => {
      const error = expectRefusal(
        withHeader('Sec-WebSocket-Protocol', ...values),
        400,
        'WSLOOM_HANDSHAKE_SUBPROTOCOLS',
      );
      expect(error.message).toContain('"chat"');
    },
  );
});

describe('Sec-WebSocket-Extensions (section 4.1, item 11; section 4.2.1, item 9; section 9.1)', () => {
  test('reads field lines as it reads them joined, as in the example of section 9.1', () => {
    const joined = readHandshake(withHeader('Sec-WebSocket-Extensions', 'foo, bar; baz=2')).extensions;
    const apart = readHandshake(withHeader('Sec-WebSocket-Extensions', 'foo', 'bar; baz=2')).extensions;
    expect(apart).toEqual(joined);
    expect(joined).toEqual([
      { name: 'foo', parameters: [] },
      { name: 'bar', parameters: [{ name: 'baz', value: '2' }] },
    ]);
  });

  test.each(['', ',', 'a;', 'a b', 'a;b=', 'a;b="', '=', 'a; b="c d"'])('refuses %j with 400', (value) => {
    expectRefusal(withHeader('Sec-WebSocket-Extensions', value), 400, 'WSLOOM_HANDSHAKE_EXTENSIONS');
  });

  test('does not let a quoted value reach from one field line into the next', () => {
    expectRefusal(withHeader('Sec-WebSocket-Extensions', 'a; b="c', 'd"'), 400, 'WSLOOM_HANDSHAKE_EXTENSIONS');
    expectRefusal(withHeader('Sec-WebSocket-Extensions', 'a; b="\\', '"'), 400, 'WSLOOM_HANDSHAKE_EXTENSIONS');
  });
});

describe('several rules broken at once', () => {
  test('are refused for the first, in the order that the docstring gives', () => {
    const rawHeaders = ['Host', 'a b', 'Content-Length', '1', 'Sec-WebSocket-Version', '8'];
    const codes: string[] = [];
    let broken = request({ method: 'POST', httpVersion: '1.0', target: '*', rawHeaders });
    const repairs: Partial<HandshakeRequest>[] = [{ method: 'GET' }, { httpVersion: '1.1' }, { target: '/' }];
    repairs.push({ rawHeaders: ['Host', 'a', ...rawHeaders.slice(2)] });
    repairs.push({ rawHeaders: ['Host', 'a', ...rawHeaders.slice(4)] });
    repairs.push({ rawHeaders: ['Host', 'a', 'Upgrade', 'websocket', ...rawHeaders.slice(4)] });
    repairs.push({
      rawHeaders: ['Host', 'a', 'Upgrade', 'websocket', 'Connection', 'upgrade', ...rawHeaders.slice(4)],
    });
    for (const repair of repairs) {
      codes.push(refusal(broken).code);
      broken = { ...broken, ...repair };
    }
    codes.push(refusal(broken).code);
    expect(codes.map((code) => code.replace('WSLOOM_HANDSHAKE_', ''))).toEqual([
      'METHOD',
      'HTTP_VERSION',
      'TARGET',
      'HOST',
      'BODY',
      'UPGRADE',
      'CONNECTION',
      'VERSION',
    ]);
  });
});

describe('the message of a refusal', () => {
  test('is one line of printable ASCII and of bounded length, whatever the client sent', () => {
    const hostile = ['\x1b[31m\r\nforged: line\x9b\u2028\ud800', 'a'.repeat(100_000)];
    for (const value of hostile) {
      const errors = [refusal(request({ target: value })), refusal(request({ method: value }))];
      for (const name of ['Host', 'Upgrade', 'Connection', 'Sec-WebSocket-Version', 'Content-Length']) {
        errors.push(refusal(withHeader(name, `${value} `)));
      }
      for (const name of ['Sec-WebSocket-Key', 'Sec-WebSocket-Protocol', 'Sec-WebSocket-Extensions']) {
        errors.push(refusal(withHeader(name, `${value} "`)));
      }
      for (const { message } of errors) expect(message).toMatch(/^[ -~]{10,600}$/);
    }
  });
});

describe('HandshakeHeaders', () => {
  const headers = new HandshakeHeaders([
    'Host',
    'a',
    'X-A',
    '1',
    'Cookie',
    'a=1',
    'x-a',
    '2',
    'cookie',
    'b=2',
    '__proto__',
    'p',
  ]);

  test('finds a header by its name in any case', () => {
    expect(headers.get('hOsT')).toBe('a');
    expect(headers.has('HOST')).toBe(true);
    expect(headers.get('missing')).toBeUndefined();
    expect(headers.has('missing')).toBe(false);
  });

  test('joins field lines with a comma, cookies with a semicolon', () => {
    expect(headers.get('X-A')).toBe('1, 2');
    expect(headers.get('Cookie')).toBe('a=1; b=2');
  });

  test('lists every name once, in the order of its first line', () => {
    expect([...headers]).toEqual([
      ['host', 'a'],
      ['x-a', '1, 2'],
      ['cookie', 'a=1; b=2'],
      ['__proto__', 'p'],
    ]);
  });

  test('does not find the names of Object.prototype', () => {
    const empty = new HandshakeHeaders([]);
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      expect(empty.get(name)).toBeUndefined();
      expect(empty.has(name)).toBe(false);
    }
    expect(headers.get('__proto__')).toBe('p');
  });

  test('keeps the lines as they came, and can be made again from them', () => {
    const { raw } = readHandshake(request()).headers;
    expect(raw).toEqual(EXAMPLE.flat());
    expect([...new HandshakeHeaders(structuredClone(raw))]).toEqual([...new HandshakeHeaders(EXAMPLE.flat())]);
  });

  test('takes bytes that are not text', () => {
    const every = String.fromCharCode(...Array.from({ length: 256 }, (_, code) => code));
    expect(new HandshakeHeaders(['x', every]).get('x')).toBe(every);
  });
});

describe('properties', () => {
  const token = fc.string({
    unit: fc.constantFrom(..."!#$%&'*+-.^_`|~0123456789abcxyzABCXYZ"),
    minLength: 1,
    maxLength: 12,
  });

  test('any valid handshake, in any order, is read back as it was made', () => {
    const parts = fc.record({
      path: fc.webPath(),
      query: fc.option(fc.webQueryParameters(), { nil: undefined }),
      host: fc.oneof(
        fc.domain(),
        fc.ipV4(),
        fc.ipV6().map((address) => `[${address}]`),
      ),
      origin: fc.option(fc.webUrl(), { nil: undefined }),
      key: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('base64')),
      subprotocols: fc.uniqueArray(token, { maxLength: 6 }),
      extensions: fc.array(
        fc.record({
          name: token,
          parameters: fc.array(fc.record({ name: token, value: fc.option(token, { nil: undefined }) }), {
            maxLength: 4,
          }),
        }),
        { maxLength: 4 },
      ),
      seed: fc.array(fc.nat(), { minLength: 20, maxLength: 20 }),
    });
    fc.assert(
      fc.property(parts, ({ path, query, host, origin, key, subprotocols, extensions, seed }) => {
        const pathname = path.startsWith('/') ? path : `/${path}`;
        const target = query === undefined ? pathname : `${pathname}?${query}`;
        const lines: [string, string][] = [];
        const insert = (name: string, value: string) =>
          lines.splice((seed[lines.length] ?? 0) % (lines.length + 1), 0, [name, value]);
        insert('Host', host);
        insert('Upgrade', 'websocket');
        insert('Connection', 'Upgrade');
        insert('Sec-WebSocket-Key', key);
        insert('Sec-WebSocket-Version', '13');
        if (origin !== undefined) insert('Origin', origin);
        // Lists are in order, so their lines are added, not inserted: half of them one by one, the rest joined.
        const apart = (seed[0] ?? 0) % 2 === 0;
        const lists: [string, string[]][] = [
          ['Sec-WebSocket-Protocol', subprotocols],
          ['Sec-WebSocket-Extensions', extensions.map((extension) => formatExtensions([extension]))],
        ];
        for (const [name, elements] of lists) {
          if (elements.length === 0) continue;
          for (const value of apart ? elements : [elements.join(',')]) lines.push([name, value]);
        }
        expect(readHandshake(request({ target, rawHeaders: lines.flat() }))).toMatchObject({
          target,
          path: pathname,
          query: query ?? '',
          host,
          origin,
          key,
          subprotocols,
          extensions,
        });
      }),
    );
  });

  test('whatever bytes come, nothing is thrown but HandshakeError', () => {
    const bytes = fc.uint8Array({ maxLength: 60 }).map((raw) => Buffer.from(raw).toString('latin1'));
    const text = fc.oneof(bytes, fc.string({ unit: 'binary', maxLength: 20 }));
    const separators = fc.string({ unit: fc.constantFrom(...'ab",;=\\ \t'), maxLength: 30 });
    const names = fc.constantFrom(...EXAMPLE.map(([name]) => name), 'Sec-WebSocket-Extensions', '__proto__');
    const line = fc.tuple(fc.oneof(names, text), fc.oneof(text, separators));
    const kept = fc.subarray([...EXAMPLE], { minLength: EXAMPLE.length - 1 });
    fc.assert(
      fc.property(
        fc.oneof(fc.constant('GET'), text),
        fc.oneof(
          fc.constant('/'),
          text,
          separators.map((rest) => `ws://${rest}`),
        ),
        fc.oneof(fc.constant('1.1'), text),
        kept,
        fc.array(line, { maxLength: 4 }),
        fc.boolean(),
        (method, target, httpVersion, example, added, odd) => {
          const rawHeaders = [...example.flat(), ...added.flat(), ...(odd ? ['Origin'] : [])];
          try {
            readHandshake({ method, target, httpVersion, rawHeaders });
          } catch (error) {
            expect(error).toBeInstanceOf(HandshakeError);
          }
        },
      ),
      { numRuns: 600 },
    );
  });
});

// A quadratic scanner would take hours for each of these, some 10^12 steps. A linear one takes no time.
describe('a megabyte of attack', () => {
  const MEGABYTE = 1 << 20;

  test.each([
    ['spaces after an extension', `b${' '.repeat(MEGABYTE)}x`],
    ['spaces after a parameter', `a; b${' '.repeat(MEGABYTE)}x`],
    ['an unclosed string of escapes', `a; b="${'\\c'.repeat(MEGABYTE / 2)}`],
    ['many unclosed strings', 'a; b="c,'.repeat(MEGABYTE / 8)],
    ['empty elements', ','.repeat(MEGABYTE)],
    ['empty parameters', `a${' ;'.repeat(MEGABYTE / 2)}`],
    ['one long token and a bad end', `${'a'.repeat(MEGABYTE)}"`],
  ])('%s costs linear time in a list', (_, value) => {
    expectRefusal(withHeader('Sec-WebSocket-Extensions', value), 400, 'WSLOOM_HANDSHAKE_EXTENSIONS');
    expectRefusal(withHeader('Sec-WebSocket-Protocol', value), 400, 'WSLOOM_HANDSHAKE_SUBPROTOCOLS');
    expectRefusal(withHeader('Upgrade', value), 426, 'WSLOOM_HANDSHAKE_UPGRADE');
    expectRefusal(withHeader('Connection', value), 400, 'WSLOOM_HANDSHAKE_CONNECTION');
    expectRefusal(withHeader('Host', value), 400, 'WSLOOM_HANDSHAKE_HOST');
    expectRefusal(withHeader('Sec-WebSocket-Key', value), 400, 'WSLOOM_HANDSHAKE_KEY');
  });

  test('lists of a hundred thousand elements are read, and the one named twice is found', () => {
    const names = Array.from({ length: 100_000 }, (_, i) => `p${i}`);
    expect(readHandshake(withHeader('Sec-WebSocket-Protocol', names.join())).subprotocols).toEqual(names);
    expect(readHandshake(withHeader('Sec-WebSocket-Protocol', ...names)).subprotocols).toEqual(names);
    expect(readHandshake(withHeader('Sec-WebSocket-Extensions', ...names)).extensions).toHaveLength(names.length);
    expectRefusal(withHeader('Sec-WebSocket-Protocol', ...names, 'p0'), 400, 'WSLOOM_HANDSHAKE_SUBPROTOCOLS');
  });

  test('a hundred thousand lines of one header are joined', () => {
    const rawHeaders = [...EXAMPLE.flat(), ...Array.from({ length: 100_000 }, () => ['X-A', 'v']).flat()];
    expect(readHandshake(request({ rawHeaders })).headers.get('x-a')).toHaveLength(100_000 * 3 - 2);
  });

  test('long targets cost linear time', () => {
    expect(readHandshake(request({ target: `/${'?'.repeat(MEGABYTE)}` })).query).toHaveLength(MEGABYTE - 1);
    expectRefusal(request({ target: `${':'.repeat(MEGABYTE)}//` }), 400, 'WSLOOM_HANDSHAKE_TARGET');
    expectRefusal(request({ target: `http://[${':'.repeat(MEGABYTE)}` }), 400, 'WSLOOM_HANDSHAKE_TARGET');
    expectRefusal(request({ target: `http://a:${'9'.repeat(MEGABYTE)}/` }), 400, 'WSLOOM_HANDSHAKE_TARGET');
  });
});
