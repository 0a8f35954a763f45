import { describe, expect, it } from 'vitest';
import { negotiateDeflate } from '../../dist/compression/negotiation.js';
import { createWindowMemory } from '../../dist/compression/window-memory.js';
import { parseExtensions } from '../../dist/protocol/opening/header-grammar.js';

const KIB = 1024;
const SETTINGS = { contextTakeover: true, windowBits: 12, allowsFullWindows: false };
const CHROME = parseExtensions('permessage-deflate; client_max_window_bits');

describe('an offer of compression', () => {
  it('is accepted with the windows that there is memory for', () => {
    const windows = createWindowMemory(8 * KIB);
    const negotiated = negotiateDeflate(CHROME, { settings: SETTINGS, windows });
    expect(negotiated?.lacksWindows).toBe(false);
    expect(negotiated?.agreement).toEqual({
      own: { windowBits: 12, contextTakeover: true, standaloneBits: 15 },
      peer: { windowBits: 12, contextTakeover: true },
    });
    expect([...new Int32Array(windows.reserved)]).toEqual([8]);
  });

  it('is accepted without windows when their memory is taken, and reserves none', () => {
    const windows = createWindowMemory(8 * KIB);
    negotiateDeflate(CHROME, { settings: SETTINGS, windows });
    const negotiated = negotiateDeflate(CHROME, { settings: SETTINGS, windows });
    expect(negotiated?.lacksWindows).toBe(true);
    expect(negotiated?.agreement.own.contextTakeover).toBe(false);
    expect(negotiated?.agreement.peer.contextTakeover).toBe(false);
    const parameters = ['server_no_context_takeover', 'client_no_context_takeover'];
    expect(negotiated?.answer.parameters.map(({ name }) => name)).toEqual(parameters);
    expect([...new Int32Array(windows.reserved)]).toEqual([8]);
  });

  it('that is none, or is invalid, is declined, and reserves nothing', () => {
    const windows = createWindowMemory(8 * KIB);
    for (const offer of ['x-webkit-deflate-frame', 'permessage-deflate; server_max_window_bits=7']) {
      expect(negotiateDeflate(parseExtensions(offer), { settings: SETTINGS, windows })).toBeUndefined();
    }
    expect(negotiateDeflate([], { settings: SETTINGS, windows })).toBeUndefined();
    expect([...new Int32Array(windows.reserved)]).toEqual([0]);
  });
});
