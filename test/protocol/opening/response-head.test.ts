import { describe, expect, test } from 'vitest';
import { HandshakeResponseError } from '../../../dist/protocol/opening/handshake-response-error.js';
import { ResponseHeadReader } from '../../../dist/protocol/opening/response-head.js';
import { byteByByte } from '../receiver.js';

/** The head that is read from parts, and the bytes that are left. Parts are strings of bytes. */
function read(...parts: (string | Iterable<Uint8Array>)[]) {
  const reader = new ResponseHeadReader();
  let rest: Uint8Array | undefined;
  for (const part of parts) {
    const reads = typeof part === 'string' ? [Buffer.from(part, 'latin1')] : part;
    for (const bytes of reads) rest = reader.feed(bytes);
  }
  return { head: reader.head, rest: rest && Buffer.from(rest).toString('latin1') };
}

function refusal(text: string | Iterable<Uint8Array>): HandshakeResponseError {
  try {
    read(text);
  } catch (error) {
    if (error instanceof HandshakeResponseError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const TEXT = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX-Empty:\r\nX-Spaces: \t a b\t \r\n\r\n';
const HEAD = {
  status: 101,
  reason: 'Switching Protocols',
  rawHeaders: ['Upgrade', 'websocket', 'X-Empty', '', 'X-Spaces', 'a b'],
};

describe('the head of a response', () => {
  test('is read whole, and what follows is left', () => {
    expect(read(`${TEXT}\x81\x02hi`)).toEqual({ head: HEAD, rest: '\x81\x02hi' });
  });

  test('is read byte by byte, and cut anywhere', () => {
    expect(read(byteByByte(Buffer.from(TEXT)))).toEqual({ head: HEAD, rest: '' });
    for (let cut = 0; cut <= TEXT.length; cut++) {
      expect(read(TEXT.slice(0, cut), TEXT.slice(cut)), `cut at ${cut}`).toEqual({ head: HEAD, rest: '' });
    }
  });

  test('is not there before its end', () => {
    expect(read(TEXT.slice(0, -1))).toEqual({ head: undefined, rest: undefined });
  });

  test('needs no reason, and can have a later minor version', () => {
    expect(read('HTTP/1.1 404\r\n\r\n').head).toEqual({ status: 404, reason: '', rawHeaders: [] });
    expect(read('HTTP/1.2 404 \r\n\r\n').head).toEqual({ status: 404, reason: '', rawHeaders: [] });
  });

  test('comes behind interim responses, which are passed over', () => {
    const interim = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n';
    expect(read(interim + TEXT)).toEqual({ head: HEAD, rest: '' });
    expect(read(byteByByte(Buffer.from(interim + TEXT)))).toEqual({ head: HEAD, rest: '' });
  });

  test.each(['SSH-2.0-OpenSSH_9.6', 'HTTP/2 101', '\x81\x02hi'])('is refused as soon as it begins like %j', (text) => {
    expect(refusal(text)).toMatchObject({ code: 'WSLOOM_RESPONSE_SYNTAX' });
    expect(read('HTTP/1').head).toBeUndefined();
  });

  test.each([
    'HTTP/1.0 101 Too Old',
    'HTTP/1.1 10 Short',
    'HTTP/1.1 1010 Long',
    'HTTP/1.1 601 What',
    'HTTP/1.1  101 Two Spaces',
    'HTTP/1.1 101 A\rB',
    'HTTP/1.1 101 A\nB',
    'HTTP/1.1 101 OK\r\nno colon',
    'HTTP/1.1 101 OK\r\n: no name',
    'HTTP/1.1 101 OK\r\nspace : x',
    'HTTP/1.1 101 OK\r\nA: folded\r\n line',
    'HTTP/1.1 101 OK\r\nA: b\nC: d',
    'HTTP/1.1 101 OK\r\nA: b\0',
  ])('is refused if it is %j', (head) => {
    expect(refusal(`${head}\r\n\r\n`)).toMatchObject({ code: 'WSLOOM_RESPONSE_SYNTAX' });
  });

  test('is refused if it is too long, whether or not its end has come', () => {
    const long = `HTTP/1.1 101 OK\r\nA: ${'x'.repeat(20_000)}`;
    expect(refusal(long)).toMatchObject({ code: 'WSLOOM_RESPONSE_TOO_LARGE' });
    expect(refusal(`${long}\r\n\r\n`)).toMatchObject({ code: 'WSLOOM_RESPONSE_TOO_LARGE' });
    expect(read(`${TEXT}${'x'.repeat(20_000)}`).head).toEqual(HEAD);
  });

  test('is quoted in printable ASCII', () => {
    expect(refusal('HTTP/1.1 101 OK\r\n\x1b[31m\r\n\r\n').message).toMatch(/^[ -~]+$/);
  });
});
