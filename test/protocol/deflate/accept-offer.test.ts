/** Which offers of permessage-deflate the server accepts, and what it answers (RFC 7692 sections 5 and 7.1). */
import { describe, expect, test } from 'vitest';
import { acceptDeflateOffer } from '../../../dist/protocol/deflate/accept-offer.js';
import type { DeflateSettings } from '../../../dist/protocol/deflate/agreement.js';
import { readHandshake } from '../../../dist/protocol/opening/handshake.js';
import { renderAccept } from '../../../dist/protocol/opening/handshake-response.js';
import { type Extension, formatExtensions } from '../../../dist/protocol/opening/header-grammar.js';
import { sha1Base64 } from '../../../dist/system/sha1.js';

const WITHOUT_TAKEOVER: DeflateSettings = { contextTakeover: false, windowBits: 12, allowsFullWindows: false };
const WITH_TAKEOVER: DeflateSettings = { ...WITHOUT_TAKEOVER, contextTakeover: true };

/** The handshake of a client that sends these lines of Sec-WebSocket-Extensions. */
function handshakeOf(...lines: string[]) {
  const rawHeaders = ['Host', 'a', 'Upgrade', 'websocket', 'Connection', 'Upgrade'];
  rawHeaders.push('Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version', '13');
  for (const line of lines) rawHeaders.push('Sec-WebSocket-Extensions', line);
  return readHandshake({ method: 'GET', target: '/', httpVersion: '1.1', rawHeaders });
}

function accepted(settings: DeflateSettings, ...lines: string[]) {
  return acceptDeflateOffer(handshakeOf(...lines).extensions, settings);
}

/** The answer as text, without the name in front; undefined if every offer is declined. */
function answer(settings: DeflateSettings, ...lines: string[]) {
  const extension = accepted(settings, ...lines)?.answer;
  return extension === undefined ? undefined : formatExtensions([extension]).replace('permessage-deflate; ', '');
}

const side = (windowBits: number, contextTakeover: boolean) => ({ windowBits, contextTakeover });
/** The server keeps a smaller window than the client was told of. */
const untold = (windowBits: number) => ({ ...side(windowBits, true), standaloneBits: 15 });

describe('the offer', () => {
  /** The header as each client sends it: read off the wire where the client runs here, else from its source. */
  const clients = [
    ['Chrome and Edge', 'permessage-deflate; client_max_window_bits'],
    ['Firefox', 'permessage-deflate'],
    ['Safari', 'permessage-deflate'],
    ['ws 8', 'permessage-deflate; client_max_window_bits'],
    ['undici, the WebSocket of Node', 'permessage-deflate; client_max_window_bits'],
    ["Python's websockets", 'permessage-deflate; server_max_window_bits=12; client_max_window_bits=12'],
  ] as const;

  test.each(clients)('of %s is accepted without takeover: nobody keeps a window', (_client, offer) => {
    const { agreement } = accepted(WITHOUT_TAKEOVER, offer) ?? {};
    expect(agreement?.own.contextTakeover).toBe(false);
    expect(agreement?.peer).toEqual(side(15, false));
    const bits = offer.includes('server_max') ? '; server_max_window_bits=12' : '';
    expect(answer(WITHOUT_TAKEOVER, offer)).toBe(`server_no_context_takeover; client_no_context_takeover${bits}`);
  });

  test.each(clients.filter(([, offer]) => offer === 'permessage-deflate'))(
    'of %s, with takeover: it cannot be kept from 32 KiB windows, so its window is not kept',
    (_client, offer) => {
      expect(answer(WITH_TAKEOVER, offer)).toBe('client_no_context_takeover');
      expect(accepted(WITH_TAKEOVER, offer)?.agreement).toEqual({ own: untold(12), peer: side(15, false) });
    },
  );

  test.each(clients.filter(([, offer]) => offer !== 'permessage-deflate'))(
    'of %s, with takeover: its window is limited to that of the server',
    (_client, offer) => {
      const bits = offer.includes('server_max') ? 'server_max_window_bits=12; ' : '';
      expect(answer(WITH_TAKEOVER, offer)).toBe(`${bits}client_max_window_bits=12`);
      const own = offer.includes('server_max') ? side(12, true) : untold(12);
      expect(accepted(WITH_TAKEOVER, offer)?.agreement).toEqual({ own, peer: side(12, true) });
    },
  );

  test('of old versions of Safari is of another extension, and is declined', () => {
    expect(answer(WITHOUT_TAKEOVER, 'x-webkit-deflate-frame')).toBeUndefined();
  });

  test('that names another extension, or the name in another case, is declined', () => {
    for (const name of ['permessage-bzip2', 'permessage-deflate2', 'Permessage-Deflate', 'deflate']) {
      expect(answer(WITHOUT_TAKEOVER, name)).toBeUndefined();
    }
  });

  test('that is not there is no offer', () => {
    expect(accepted(WITHOUT_TAKEOVER)).toBeUndefined();
  });
});

describe('of several offers', () => {
  test('the first is accepted, in the order of preference', () => {
    const offers = 'permessage-deflate; server_max_window_bits=10, permessage-deflate; server_max_window_bits=11';
    expect(answer(WITH_TAKEOVER, offers)).toContain('server_max_window_bits=10');
  });

  test('those before it that are invalid, or of another extension, are passed over', () => {
    const offers =
      'x-mux; a=1, permessage-deflate; y, permessage-deflate; server_max_window_bits=7, permessage-deflate';
    expect(answer(WITH_TAKEOVER, offers)).toBe('client_no_context_takeover');
  });

  test('those behind it do not matter, however invalid', () => {
    expect(answer(WITH_TAKEOVER, 'permessage-deflate, permessage-deflate; y, z; a="b"')).toBe(
      'client_no_context_takeover',
    );
  });

  test('one is accepted, whichever header line it comes in', () => {
    expect(answer(WITH_TAKEOVER, 'foo', 'permessage-deflate; y', 'permessage-deflate; client_max_window_bits=10')).toBe(
      'client_max_window_bits=10',
    );
    expect(accepted(WITH_TAKEOVER, 'foo', 'bar; baz')).toBeUndefined();
  });

  test('none is accepted if all are invalid', () => {
    expect(answer(WITH_TAKEOVER, 'permessage-deflate; y, permessage-deflate; server_max_window_bits')).toBeUndefined();
  });
});

describe('an offer is declined, and no error, if it has', () => {
  const parameters = [
    'server_no_context_takeover',
    'client_no_context_takeover',
    'server_max_window_bits',
    'client_max_window_bits',
  ] as const;

  test.each(parameters)('%s twice, with the same value or another', (name) => {
    const values = name.endsWith('bits') ? ['=10', '=10', '=11'] : ['', '', ''];
    expect(answer(WITH_TAKEOVER, `permessage-deflate; ${name}${values[0]}`)).toBeDefined();
    expect(answer(WITH_TAKEOVER, `permessage-deflate; ${name}${values[0]}; ${name}${values[1]}`)).toBeUndefined();
    expect(answer(WITH_TAKEOVER, `permessage-deflate; ${name}${values[0]}; ${name}${values[2]}`)).toBeUndefined();
  });

  test('client_max_window_bits twice, with a value and without', () => {
    const [bare, valued] = ['client_max_window_bits', 'client_max_window_bits=10'];
    expect(answer(WITH_TAKEOVER, `permessage-deflate; ${bare}; ${valued}`)).toBeUndefined();
    expect(answer(WITH_TAKEOVER, `permessage-deflate; ${valued}; ${bare}`)).toBeUndefined();
    expect(answer(WITH_TAKEOVER, `permessage-deflate; ${bare}; ${bare}`)).toBeUndefined();
  });

  test.each([
    'unknown',
    'unknown=1',
    'Server_No_Context_Takeover',
    'server_max_window_bit=10',
    '__proto__',
    'constructor',
    'toString=8',
    'mode=1',
  ])('an unknown parameter (%s), in front of what is valid or behind it', (parameter) => {
    expect(answer(WITH_TAKEOVER, `permessage-deflate; ${parameter}`)).toBeUndefined();
    expect(answer(WITH_TAKEOVER, `permessage-deflate; ${parameter}; client_max_window_bits`)).toBeUndefined();
    expect(answer(WITH_TAKEOVER, `permessage-deflate; client_max_window_bits; ${parameter}`)).toBeUndefined();
  });

  test.each(['true', '1', '0', '"10"', 'server_no_context_takeover'])('a value (%s) where there is none', (value) => {
    expect(answer(WITH_TAKEOVER, `permessage-deflate; server_no_context_takeover=${value}`)).toBeUndefined();
    expect(answer(WITH_TAKEOVER, `permessage-deflate; client_no_context_takeover=${value}`)).toBeUndefined();
  });

  test('server_max_window_bits without a value', () => {
    expect(answer(WITH_TAKEOVER, 'permessage-deflate; server_max_window_bits')).toBeUndefined();
  });

  test.each([
    ...[
      '0',
      '1',
      '7',
      '16',
      '18',
      '20',
      '80',
      '100',
      '08',
      '"08"',
      '"\\08"',
      '010',
      '015',
      '"010"',
      '-8',
      '+8',
      '"+8"',
    ],
    ...['8.0', '1e1', '0x8', '0xa', '8a', 'a8', 'NaN', 'Infinity', 'ten', '10_', '__proto__'],
  ])('window bits of %s', (value) => {
    expect(answer(WITH_TAKEOVER, `permessage-deflate; server_max_window_bits=${value}`)).toBeUndefined();
    expect(answer(WITH_TAKEOVER, `permessage-deflate; client_max_window_bits=${value}`)).toBeUndefined();
  });

  test('window bits of thousands of digits', () => {
    for (const value of ['9'.repeat(400), '1'.repeat(5000), `${'0'.repeat(5000)}8`]) {
      expect(answer(WITH_TAKEOVER, `permessage-deflate; server_max_window_bits=${value}`)).toBeUndefined();
      expect(answer(WITH_TAKEOVER, `permessage-deflate; client_max_window_bits=${value}`)).toBeUndefined();
    }
  });

  test.each(['', ' ', '10 ', ' 10', '10\n', '１０', '٨', '8\0'])('a value that no header can have (%j)', (value) => {
    for (const name of parameters) {
      const offer: Extension = { name: 'permessage-deflate', parameters: [{ name, value }] };
      expect(acceptDeflateOffer([offer], WITH_TAKEOVER)).toBeUndefined();
    }
  });
});

describe('a handshake is refused with 400 for an offer that breaks the grammar of RFC 6455 section 9.1:', () => {
  test.each([
    'permessage-deflate; client_max_window_bits=',
    'permessage-deflate; client_max_window_bits=""',
    'permessage-deflate; client_max_window_bits=" 10"',
    'permessage-deflate; client_max_window_bits="10',
    'permessage-deflate; client_max_window_bits=10;',
    'permessage-deflate client_max_window_bits',
    'permessage-deflate; client_max_window_bits=１０',
    '=',
    '',
  ])('%j', (line) => {
    expect(() => handshakeOf(line)).toThrow(expect.objectContaining({ code: 'WSLOOM_HANDSHAKE_EXTENSIONS' }));
  });
});

describe('server_no_context_takeover', () => {
  test('is answered when it is offered: the server keeps no window of its own, and may use all of 32 KiB', () => {
    const offer = 'permessage-deflate; server_no_context_takeover; client_max_window_bits';
    expect(answer(WITH_TAKEOVER, offer)).toBe('server_no_context_takeover; client_max_window_bits=12');
    expect(accepted(WITH_TAKEOVER, offer)?.agreement).toEqual({ own: side(15, false), peer: side(12, true) });
  });

  test('is answered unasked by a server without takeover', () => {
    expect(answer(WITHOUT_TAKEOVER, 'permessage-deflate')).toContain('server_no_context_takeover');
  });

  test('is not answered otherwise', () => {
    expect(answer(WITH_TAKEOVER, 'permessage-deflate')).not.toContain('server_no_context_takeover');
  });
});

describe('client_no_context_takeover', () => {
  test('is answered when it is offered, because a hint alone binds nobody', () => {
    const offer = 'permessage-deflate; client_no_context_takeover; client_max_window_bits=10';
    expect(answer(WITH_TAKEOVER, offer)).toBe('client_no_context_takeover');
    expect(accepted(WITH_TAKEOVER, offer)?.agreement).toEqual({ own: untold(12), peer: side(15, false) });
  });

  test('is answered unasked by a server without takeover', () => {
    expect(answer(WITHOUT_TAKEOVER, 'permessage-deflate; client_max_window_bits')).toContain(
      'client_no_context_takeover',
    );
  });

  test('is answered to a client whose window cannot be limited, unless full windows are allowed', () => {
    expect(answer(WITH_TAKEOVER, 'permessage-deflate')).toBe('client_no_context_takeover');
    const full = { ...WITH_TAKEOVER, allowsFullWindows: true };
    expect(answer(full, 'permessage-deflate')).toBe('permessage-deflate');
    expect(accepted(full, 'permessage-deflate')?.agreement).toEqual({ own: untold(12), peer: side(15, true) });
  });

  test('is not answered to such a client if the window of the server is as large', () => {
    const widest = { ...WITH_TAKEOVER, windowBits: 15 };
    expect(answer(widest, 'permessage-deflate')).toBe('permessage-deflate');
    expect(accepted(widest, 'permessage-deflate')?.agreement).toEqual({ own: side(15, true), peer: side(15, true) });
    expect(answer({ ...widest, windowBits: 14 }, 'permessage-deflate')).toBe('client_no_context_takeover');
  });

  test('has nothing to do with full windows if there is no takeover', () => {
    const answered = answer({ ...WITHOUT_TAKEOVER, allowsFullWindows: true, windowBits: 15 }, 'permessage-deflate');
    expect(answered).toBe('server_no_context_takeover; client_no_context_takeover');
  });
});

describe('server_max_window_bits', () => {
  const own = (settings: DeflateSettings, offer: string) => accepted(settings, offer)?.agreement.own;

  test('is not answered unasked: the window is kept small in silence', () => {
    expect(answer(WITH_TAKEOVER, 'permessage-deflate; client_max_window_bits')).toBe('client_max_window_bits=12');
    expect(own(WITH_TAKEOVER, 'permessage-deflate')).toEqual(untold(12));
  });

  test.each([8, 9, 10, 11, 12, 13, 14, 15])('of %i is answered with what the server uses, never with more', (bits) => {
    const offer = `permessage-deflate; server_max_window_bits=${bits}`;
    const used = Math.min(bits, 12);
    expect(answer(WITH_TAKEOVER, offer)).toBe(`client_no_context_takeover; server_max_window_bits=${used}`);
    expect(own(WITH_TAKEOVER, offer)).toEqual(side(used, true));
  });

  test.each([8, 9, 14, 15])('of %i is honoured without takeover, too', (bits) => {
    const offer = `permessage-deflate; server_max_window_bits=${bits}`;
    expect(answer(WITHOUT_TAKEOVER, offer)).toContain(`server_max_window_bits=${bits}`);
    expect(own(WITHOUT_TAKEOVER, offer)).toEqual(side(bits, false));
  });

  test('may be quoted: "12" is 12', () => {
    for (const value of ['"11"', '"\\11"', '"1\\1"']) {
      expect(answer(WITH_TAKEOVER, `permessage-deflate; server_max_window_bits=${value}`)).toContain(
        'server_max_window_bits=11',
      );
    }
  });
});

describe('client_max_window_bits', () => {
  const peer = (settings: DeflateSettings, offer: string) => accepted(settings, offer)?.agreement.peer;

  test('is answered only if it was offered', () => {
    for (const settings of [WITH_TAKEOVER, { ...WITH_TAKEOVER, allowsFullWindows: true }]) {
      for (const offer of ['', '; server_max_window_bits=10', '; server_no_context_takeover']) {
        expect(answer(settings, `permessage-deflate${offer}`)).not.toContain('client_max_window_bits');
      }
    }
  });

  test.each([9, 10, 11, 12, 13, 14, 15])('of %i is answered with the window that is kept, never with more', (bits) => {
    const offer = `permessage-deflate; client_max_window_bits=${bits}`;
    const kept = Math.min(bits, 12);
    expect(answer(WITH_TAKEOVER, offer)).toBe(`client_max_window_bits=${kept}`);
    expect(peer(WITH_TAKEOVER, offer)).toEqual(side(kept, true));
  });

  test('of 8 cannot be answered, because many clients have no such window: the window is not kept', () => {
    const offer = 'permessage-deflate; client_max_window_bits=8';
    expect(answer(WITH_TAKEOVER, offer)).toBe('client_no_context_takeover');
    expect(peer(WITH_TAKEOVER, offer)).toEqual(side(15, false));
    expect(answer({ ...WITH_TAKEOVER, windowBits: 15 }, offer)).toBe('permessage-deflate');
  });

  test.each([9, 10, 11, 12, 13, 14])('without a value is answered with the window of the server (%i)', (windowBits) => {
    const offer = 'permessage-deflate; client_max_window_bits';
    expect(answer({ ...WITH_TAKEOVER, windowBits }, offer)).toBe(`client_max_window_bits=${windowBits}`);
    expect(peer({ ...WITH_TAKEOVER, windowBits }, offer)).toEqual(side(windowBits, true));
  });

  test('is not answered if the window of the server is the largest that there is', () => {
    for (const value of ['', '=15']) {
      const offer = `permessage-deflate; client_max_window_bits${value}`;
      expect(answer({ ...WITH_TAKEOVER, windowBits: 15 }, offer)).toBe('permessage-deflate');
      expect(peer({ ...WITH_TAKEOVER, windowBits: 15 }, offer)).toEqual(side(15, true));
    }
  });

  test('limits the window, and is never a reason to keep a full one', () => {
    const full = { ...WITH_TAKEOVER, allowsFullWindows: true };
    expect(answer(full, 'permessage-deflate; client_max_window_bits')).toBe('client_max_window_bits=12');
  });

  test('is not answered without takeover: no window of the client is kept', () => {
    expect(answer(WITHOUT_TAKEOVER, 'permessage-deflate; client_max_window_bits=10')).not.toContain('max_window_bits');
  });

  test('may be quoted: "12" is 12', () => {
    expect(answer(WITH_TAKEOVER, 'permessage-deflate; client_max_window_bits="10"')).toBe('client_max_window_bits=10');
    expect(answer(WITH_TAKEOVER, 'permessage-deflate ; client_max_window_bits = "\\1\\0" ')).toBe(
      'client_max_window_bits=10',
    );
  });
});

describe('the answer', () => {
  test('is one header of the 101, beside the subprotocol', () => {
    const handshake = handshakeOf('foo, permessage-deflate; client_max_window_bits; server_max_window_bits="10"');
    const { answer } = acceptDeflateOffer(handshake.extensions, WITH_TAKEOVER) ?? {};
    expect(renderAccept(handshake, sha1Base64, { extensions: answer && [answer] })).toBe(
      'HTTP/1.1 101 Switching Protocols\r\n' +
        'Upgrade: websocket\r\n' +
        'Connection: Upgrade\r\n' +
        'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n' +
        'Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10; client_max_window_bits=12\r\n' +
        '\r\n',
    );
  });
});

describe('an offer of 16 KiB', () => {
  const KIBIBYTE = 1024;

  /** Counts how often the name of a parameter is read, and that of an extension. */
  function counted(extensions: readonly Extension[]) {
    let reads = 0;
    const watch = <T extends object>(object: T): T =>
      new Proxy(object, {
        get: (target, key) => {
          if (key === 'name') reads++;
          return Reflect.get(target, key);
        },
      });
    const watched = extensions.map(({ name, parameters }) => watch({ name, parameters: parameters.map(watch) }));
    return { watched, reads: () => reads };
  }

  test.each([
    ['of invalid offers', 'permessage-deflate;y,'.repeat(KIBIBYTE).slice(0, 16 * KIBIBYTE - 1)],
    ['of other extensions', 'a,'.repeat(8 * KIBIBYTE)],
    ['of parameters', `permessage-deflate${';y'.repeat(8 * KIBIBYTE)}`],
    ['of duplicates', `permessage-deflate${';client_max_window_bits'.repeat(700)}`],
    ['of digits', `permessage-deflate;server_max_window_bits=${'1'.repeat(16 * KIBIBYTE)}`],
    ['of escapes', `permessage-deflate;server_max_window_bits="${'\\1'.repeat(8 * KIBIBYTE)}"`],
  ])('%s is declined, and each extension and parameter is looked at once at most', (_what, line) => {
    const { extensions } = handshakeOf(line);
    const { watched, reads } = counted(extensions);
    expect(acceptDeflateOffer(watched, WITH_TAKEOVER)).toBeUndefined();
    const all = extensions.reduce((sum, { parameters }) => sum + 1 + parameters.length, 0);
    expect(reads()).toBeLessThanOrEqual(all);
  });

  test('is accepted if a valid one comes last', () => {
    const line = `${'permessage-deflate;y,'.repeat(700)}permessage-deflate; client_max_window_bits`;
    expect(answer(WITH_TAKEOVER, line)).toBe('client_max_window_bits=12');
  });
});
