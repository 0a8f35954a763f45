import { describe, expect, test } from 'vitest';
import {
  type ClientHandshake,
  readAcceptance,
  renderRequest,
} from '../../../dist/protocol/opening/client-handshake.js';
import { readHandshake } from '../../../dist/protocol/opening/handshake.js';
import { HandshakeConfigError } from '../../../dist/protocol/opening/handshake-error.js';
import { renderAccept } from '../../../dist/protocol/opening/handshake-response.js';
import { HandshakeResponseError } from '../../../dist/protocol/opening/handshake-response-error.js';
import { ResponseHeadReader } from '../../../dist/protocol/opening/response-head.js';
import { sha1Base64 } from '../../../dist/system/sha1.js';

/** The key of section 1.3. */
const OFFER: ClientHandshake = {
  target: '/chat?room=1',
  host: 'server.example.com',
  key: 'dGhlIHNhbXBsZSBub25jZQ==',
  subprotocols: ['chat', 'superchat'],
};

const RIGHT = {
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
};

function accept(headers: Readonly<Record<string, string | undefined>>, offer = OFFER, status = 101) {
  const rawHeaders = Object.entries({ ...RIGHT, ...headers }).flatMap(([name, value]) =>
    value === undefined ? [] : [name, value],
  );
  return readAcceptance({ status, reason: 'As it is', rawHeaders }, offer, sha1Base64);
}

function refusal(headers: Readonly<Record<string, string | undefined>>, offer?: ClientHandshake, status?: number) {
  try {
    accept(headers, offer, status);
  } catch (error) {
    if (error instanceof HandshakeResponseError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe("a client's opening handshake (section 4.1)", () => {
  test('is the request of section 1.2', () => {
    expect(renderRequest({ ...OFFER, headers: { Origin: 'http://example.com' } })).toBe(
      'GET /chat?room=1 HTTP/1.1\r\n' +
        'Host: server.example.com\r\n' +
        'Upgrade: websocket\r\n' +
        'Connection: Upgrade\r\n' +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' +
        'Sec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Protocol: chat, superchat\r\n' +
        'Origin: http://example.com\r\n' +
        '\r\n',
    );
  });

  test('offers no subprotocol and no extension by default', () => {
    const request = renderRequest({ target: '/', host: 'a', key: OFFER.key });
    expect(request).not.toMatch(/Sec-WebSocket-(Protocol|Extensions)/);
  });

  test("is accepted by the server, and the server's answer by the client", () => {
    const [, ...lines] = renderRequest(OFFER).trimEnd().split('\r\n');
    const rawHeaders = lines.flatMap((line) => line.split(': '));
    const handshake = readHandshake({ method: 'GET', target: OFFER.target, httpVersion: '1.1', rawHeaders });
    expect(handshake).toMatchObject({ path: '/chat', query: 'room=1', subprotocols: ['chat', 'superchat'] });
    const reader = new ResponseHeadReader();
    reader.feed(
      Buffer.from(renderAccept(handshake, sha1Base64, { subprotocol: 'superchat', headers: { 'X-Mine': 'a' } })),
    );
    if (reader.head === undefined) throw new Error('no head');
    const { subprotocol, headers } = readAcceptance(reader.head, OFFER, sha1Base64);
    expect([subprotocol, headers.get('x-mine')]).toEqual(['superchat', 'a']);
  });

  test.each([[['a b']], [['']], [['a', 'a']], [['a\r\nX: y']]])('cannot offer the subprotocols %j', (subprotocols) => {
    expect(() => renderRequest({ ...OFFER, subprotocols })).toThrow(HandshakeConfigError);
  });

  test.each([
    'Host',
    'Connection',
    'UPGRADE',
    'sec-websocket-key',
    'Sec-WebSocket-Version',
    'Sec-WebSocket-Protocol',
    'Sec-WebSocket-Extensions',
    'Sec-WebSocket-Accept',
    'Content-Length',
    'Transfer-Encoding',
  ])('has its own %s', (name) => {
    expect(() => renderRequest({ ...OFFER, headers: { [name]: 'x' } })).toThrow(
      expect.objectContaining({ code: 'WSLOOM_HEADER_OWNED' }),
    );
  });

  test('refuses headers that would end a line', () => {
    expect(() => renderRequest({ ...OFFER, headers: { A: 'b\r\nC: d' } })).toThrow(HandshakeConfigError);
  });
});

describe("the server's answer (section 4.1)", () => {
  test('is valid without a subprotocol, and with one of those offered', () => {
    expect(accept({}).subprotocol).toBe('');
    expect(accept({ 'Sec-WebSocket-Protocol': 'superchat' }).subprotocol).toBe('superchat');
    expect(accept({ Upgrade: 'WebSocket', Connection: 'keep-alive, upgrade' }).subprotocol).toBe('');
  });

  test.each([200, 301, 401, 404, 426, 503])('must not be %i: the error names it', (status) => {
    const error = refusal({}, OFFER, status);
    expect(error).toMatchObject({ code: 'WSLOOM_RESPONSE_STATUS', status, name: 'HandshakeResponseError' });
    expect(error.message).toContain(`got ${status} "As it is"`);
  });

  test.each([undefined, '', 'h2c', 'websocket, h2c', 'websocket/13'])('must not have Upgrade %j', (value) => {
    expect(refusal({ Upgrade: value })).toMatchObject({ code: 'WSLOOM_RESPONSE_UPGRADE', status: 101 });
  });

  test.each([undefined, '', 'close', 'Upgraded'])('must not have Connection %j', (value) => {
    expect(refusal({ Connection: value }).code).toBe('WSLOOM_RESPONSE_CONNECTION');
  });

  test.each([
    undefined,
    '',
    'dGhlIHNhbXBsZSBub25jZQ==',
    's3ppLMBiTxaQ9kYGzzhZRbK+xOo=',
    `${RIGHT['Sec-WebSocket-Accept']}, x`,
    `${RIGHT['Sec-WebSocket-Accept']}, ${RIGHT['Sec-WebSocket-Accept']}`,
  ])('must not have Sec-WebSocket-Accept %j', (value) => {
    expect(refusal({ 'Sec-WebSocket-Accept': value }).code).toBe('WSLOOM_RESPONSE_ACCEPT');
  });

  test.each(['permessage-deflate', 'x; y=1', ''])(
    'must not accept the extension %j, which was not offered',
    (value) => {
      expect(refusal({ 'Sec-WebSocket-Extensions': value }).code).toBe('WSLOOM_RESPONSE_EXTENSIONS');
    },
  );

  test.each(['other', 'Chat', 'chat, superchat', 'chat, chat', ''])('must not choose the subprotocol %j', (value) => {
    expect(refusal({ 'Sec-WebSocket-Protocol': value }).code).toBe('WSLOOM_RESPONSE_SUBPROTOCOL');
    expect(refusal({ 'Sec-WebSocket-Protocol': 'chat' }, { ...OFFER, subprotocols: [] }).message).toContain(
      'none was offered',
    );
  });
});
