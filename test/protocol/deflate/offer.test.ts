/** What a client offers, and how it judges the server's answer (RFC 7692 sections 5 and 7.1). */
import { describe, expect, test } from 'vitest';
import type { DeflateSettings } from '../../../dist/protocol/deflate/agreement.js';
import { deflateOffers, readDeflateAnswer } from '../../../dist/protocol/deflate/offer.js';
import { HandshakeResponseError } from '../../../dist/protocol/opening/handshake-response-error.js';
import { formatExtensions } from '../../../dist/protocol/opening/header-grammar.js';

const WITHOUT_TAKEOVER: DeflateSettings = { contextTakeover: false, windowBits: 12, allowsFullWindows: false };
const WITH_TAKEOVER: DeflateSettings = { ...WITHOUT_TAKEOVER, contextTakeover: true };
const FULL: DeflateSettings = { ...WITH_TAKEOVER, allowsFullWindows: true };
const WIDEST: DeflateSettings = { ...WITH_TAKEOVER, windowBits: 15 };

const offered = (settings: DeflateSettings) => formatExtensions(deflateOffers(settings));
const side = (windowBits: number, contextTakeover: boolean) => ({ windowBits, contextTakeover });

/** What is agreed on when the server answers with these parameters. */
const agreed = (settings: DeflateSettings, parameters: string) =>
  readDeflateAnswer(settings, `permessage-deflate${parameters === '' ? '' : '; '}${parameters}`);

/** The message of the refusal. */
function refusal(settings: DeflateSettings | undefined, value: string): string {
  try {
    readDeflateAnswer(settings, value);
  } catch (error) {
    if (!(error instanceof HandshakeResponseError)) throw error;
    expect(error).toMatchObject({ code: 'WSLOOM_RESPONSE_EXTENSIONS', status: 101 });
    return error.message;
  }
  throw new Error('nothing was thrown');
}

describe('a client offers', () => {
  test('without takeover, that nobody keeps a window', () => {
    expect(offered(WITHOUT_TAKEOVER)).toBe(
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits',
    );
  });

  test('with the largest windows, what browsers offer', () => {
    expect(offered(WIDEST)).toBe('permessage-deflate; client_max_window_bits');
  });

  test('with small windows, that both are small, or else that the server keeps none', () => {
    expect(offered(WITH_TAKEOVER)).toBe(
      'permessage-deflate; server_max_window_bits=12; client_max_window_bits=12, ' +
        'permessage-deflate; server_no_context_takeover; client_max_window_bits=12',
    );
  });

  test('with small windows, but full ones for servers that have no others, that both are small, or else its own', () => {
    expect(offered({ ...FULL, windowBits: 9 })).toBe(
      'permessage-deflate; server_max_window_bits=9; client_max_window_bits=9, permessage-deflate; client_max_window_bits=9',
    );
  });
});

describe("the server's answer", () => {
  test('may be none: nothing is compressed', () => {
    expect(readDeflateAnswer(WITH_TAKEOVER, undefined)).toBeUndefined();
    expect(readDeflateAnswer(undefined, undefined)).toBeUndefined();
  });

  test('may name no extension if none was offered', () => {
    expect(refusal(undefined, 'permessage-deflate')).toContain('none was offered, got "permessage-deflate"');
    expect(refusal(undefined, '')).toContain('none was offered');
  });

  test.each(['x-mux', 'permessage-bzip2', 'Permessage-Deflate', 'x-webkit-deflate-frame'])(
    'may not accept %s, which was not offered, alone or beside permessage-deflate',
    (name) => {
      for (const value of [name, `${name}, permessage-deflate`, `permessage-deflate, ${name}; a=b`]) {
        expect(refusal(WIDEST, value)).toContain(`no extension but permessage-deflate, got "${name}"`);
      }
    },
  );

  test('may not accept permessage-deflate twice', () => {
    expect(refusal(WITH_TAKEOVER, 'permessage-deflate, permessage-deflate')).toContain('once, got it 2 times');
  });

  test.each(['', ',', 'permessage-deflate;', 'permessage-deflate; server_max_window_bits=', 'permessage-deflate, a b'])(
    'may not break the grammar: %j',
    (value) => {
      expect(refusal(WITH_TAKEOVER, value)).toMatch(/malformed: expected .* at offset \d+/);
    },
  );

  test.each(['server_no_context_takeover', 'client_no_context_takeover'])('may not have %s twice', (name) => {
    expect(refusal(WIDEST, `permessage-deflate; ${name}; ${name}`)).toContain(`it must have ${name} once only`);
  });

  test.each(['server_max_window_bits', 'client_max_window_bits'])('may not have %s twice', (name) => {
    expect(refusal(WIDEST, `permessage-deflate; ${name}=9; ${name}=9`)).toContain(`it must have ${name} once only`);
  });

  test.each(['server_no_context_takeover=1', 'client_no_context_takeover=true'])(
    'may not have a value in %s',
    (one) => {
      expect(refusal(WIDEST, `permessage-deflate; ${one}`)).toContain('must have no value, got "');
    },
  );

  test.each(['7', '16', '08', '"08"', '010', 'a', '-9'])('may not have window bits of %s', (value) => {
    expect(refusal(WIDEST, `permessage-deflate; server_max_window_bits=${value}`)).toContain('must be 8 to 15, got "');
    expect(refusal(WIDEST, `permessage-deflate; client_max_window_bits=${value}`)).toContain('must be 8 to 15, got "');
  });

  test('may not have window bits without a value, which only an offer may have', () => {
    expect(refusal(WIDEST, 'permessage-deflate; client_max_window_bits')).toContain('must be 8 to 15, got no value');
    expect(refusal(WIDEST, 'permessage-deflate; server_max_window_bits')).toContain('must be 8 to 15, got no value');
  });

  test('may not have an unknown parameter', () => {
    expect(refusal(WIDEST, 'permessage-deflate; mode')).toContain('section 7.1 does not define, got "mode"');
  });

  test('may have its values in quotes', () => {
    expect(agreed(WIDEST, 'server_max_window_bits="10"; client_max_window_bits="1\\1"')).toEqual({
      own: side(11, true),
      peer: side(10, true),
    });
  });
});

describe('server_no_context_takeover in the answer', () => {
  test('may come unasked: the window of the server is not kept', () => {
    expect(agreed(WIDEST, 'server_no_context_takeover')?.peer).toEqual(side(15, false));
    expect(agreed(WIDEST, '')?.peer).toEqual(side(15, true));
  });

  test('must come if it was offered', () => {
    expect(refusal(WITHOUT_TAKEOVER, 'permessage-deflate; client_no_context_takeover')).toContain(
      'it must have server_no_context_takeover, which was offered',
    );
    expect(agreed(WITHOUT_TAKEOVER, 'server_no_context_takeover')?.peer).toEqual(side(15, false));
  });
});

describe('client_no_context_takeover in the answer', () => {
  test('may come unasked: the client takes no window over', () => {
    expect(agreed(WIDEST, 'client_no_context_takeover')?.own).toEqual(side(15, false));
    expect(agreed(WIDEST, '')?.own).toEqual(side(15, true));
  });

  test('may be missing where it was offered: the client does as it has said', () => {
    expect(agreed(WITHOUT_TAKEOVER, 'server_no_context_takeover')?.own).toEqual(side(15, false));
  });
});

describe('server_max_window_bits in the answer', () => {
  test('must come if it was offered, unless the second offer is accepted', () => {
    expect(refusal(WITH_TAKEOVER, 'permessage-deflate')).toContain(
      'server_max_window_bits must be at most 12, as it was offered, got none; or else it must have server_no_context_takeover',
    );
    expect(agreed(WITH_TAKEOVER, 'server_no_context_takeover')?.peer).toEqual(side(15, false));
    expect(agreed(FULL, '')?.peer).toEqual(side(15, true));
  });

  test.each([9, 10, 11, 12])('may be the offered 12 or less (%i)', (bits) => {
    expect(agreed(WITH_TAKEOVER, `server_max_window_bits=${bits}`)?.peer).toEqual(side(bits, true));
  });

  test.each([13, 14, 15])('may not be more than the offered 12 (%i)', (bits) => {
    expect(refusal(WITH_TAKEOVER, `permessage-deflate; server_max_window_bits=${bits}`)).toContain(
      `server_max_window_bits must be at most 12, as it was offered, got ${bits}`,
    );
  });

  test('may come unasked', () => {
    expect(agreed(WIDEST, 'server_max_window_bits=10')?.peer).toEqual(side(10, true));
    expect(agreed(WITHOUT_TAKEOVER, 'server_no_context_takeover; server_max_window_bits=15')?.peer).toEqual(
      side(15, false),
    );
  });

  test('may be 8, and the client keeps a window of 9, because servers with zlib use one', () => {
    expect(agreed(WITH_TAKEOVER, 'server_max_window_bits=8')?.peer).toEqual(side(9, true));
  });
});

describe('client_max_window_bits in the answer', () => {
  test.each([8, 9, 11, 12])('limits the window of the client (%i)', (bits) => {
    const own = agreed(WITH_TAKEOVER, `server_max_window_bits=9; client_max_window_bits=${bits}`)?.own;
    expect(own).toEqual(side(bits, true));
    expect(agreed(WITHOUT_TAKEOVER, `server_no_context_takeover; client_max_window_bits=${bits}`)?.own).toEqual(
      side(bits, false),
    );
  });

  test('may be missing: the client keeps to what it has offered', () => {
    expect(agreed(WITH_TAKEOVER, 'server_max_window_bits=12')?.own).toEqual(side(12, true));
    expect(agreed(WITH_TAKEOVER, 'server_no_context_takeover')?.own).toEqual(side(12, true));
    expect(agreed(WIDEST, '')?.own).toEqual(side(15, true));
  });

  test.each([13, 15])('may not be more than was offered (%i)', (bits) => {
    expect(refusal(FULL, `permessage-deflate; client_max_window_bits=${bits}`)).toContain(
      `client_max_window_bits must be at most 12, as it was offered, got ${bits}`,
    );
  });
});
