/** Negotiation of permessage-deflate, judged by a checker that was written after RFC 7692 and not after `src/`. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { acceptDeflateOffer } from '../../../dist/protocol/deflate/accept-offer.js';
import type { DeflateSettings } from '../../../dist/protocol/deflate/agreement.js';
import { deflateOffers, readDeflateAnswer } from '../../../dist/protocol/deflate/offer.js';
import { problemOfAnswer, readAnswer, readOffer } from '../../../dist/protocol/deflate/parameters.js';
import { HeaderSyntaxError } from '../../../dist/protocol/opening/handshake-error.js';
import { HandshakeResponseError } from '../../../dist/protocol/opening/handshake-response-error.js';
import { type Extension, formatExtensions, parseExtensions } from '../../../dist/protocol/opening/header-grammar.js';
import { agreedBy, type Element, elementOf, faultsOfAnswer, mustBeDeclined, type Parameter } from './rfc7692.js';

const settings: fc.Arbitrary<DeflateSettings> = fc.record({
  contextTakeover: fc.boolean(),
  windowBits: fc.integer({ min: 9, max: 15 }),
  allowsFullWindows: fc.boolean(),
});

const flag = fc.constantFrom('server_no_context_takeover', 'client_no_context_takeover');
const limit = fc.constantFrom('server_max_window_bits', 'client_max_window_bits');
const bits = fc.integer({ min: 8, max: 15 }).map(String);
const oddValue = fc.constantFrom('7', '16', '08', '010', '0', '-8', 'x', '1'.repeat(50));

const parameter: fc.Arbitrary<Parameter> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(flag) },
  { weight: 6, arbitrary: fc.tuple(limit, bits) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('client_max_window_bits')) },
  { weight: 1, arbitrary: fc.tuple(fc.oneof(flag, limit), fc.option(fc.oneof(bits, oddValue), { nil: undefined })) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom('x', '__proto__'), fc.option(bits, { nil: undefined })) },
);
/** Mostly without duplicates, so that most are valid. */
const parameters = fc.oneof(
  { weight: 4, arbitrary: fc.uniqueArray(parameter, { maxLength: 4, selector: ([name]) => name }) },
  { weight: 1, arbitrary: fc.array(parameter, { maxLength: 5 }) },
);
const element: fc.Arbitrary<Element> = fc.record({
  name: fc.oneof(
    { weight: 8, arbitrary: fc.constant('permessage-deflate') },
    fc.constantFrom('x-mux', 'Permessage-Deflate'),
  ),
  parameters,
});

/** How a value is written: as it is, in quotes, or in quotes with an escape. */
const style = fc.constantFrom<(value: string) => string>(
  (value) => value,
  (value) => `"${value}"`,
  (value) => `"\\${value}"`,
);

function written({ name, parameters }: Element, quote: (value: string) => string): string {
  return [name, ...parameters.map(([key, value]) => (value === undefined ? key : `${key}=${quote(value)}`))].join('; ');
}

/** The extensions of a header; undefined if it breaks the grammar, for which the handshake is refused. */
function read(header: string): Extension[] | undefined {
  try {
    return parseExtensions(header);
  } catch (error) {
    expect(error).toBeInstanceOf(HeaderSyntaxError);
    return undefined;
  }
}

describe('an answer', () => {
  test('fits an offer if, and only if, RFC 7692 allows it, also for offers that our client does not make', () => {
    const [fitting, unfit] = [new Set<string>(), new Set<string>()];
    const deflate = parameters.map((some) => ({ name: 'permessage-deflate', parameters: some }));
    fc.assert(
      fc.property(deflate, deflate, (offer, answer) => {
        const offered = readOffer(parseExtensions(written(offer, String))[0] as Extension);
        expect(typeof offered === 'string').toBe(mustBeDeclined(offer));
        if (typeof offered === 'string') return;
        const answered = readAnswer(parseExtensions(written(answer, String))[0] as Extension);
        const problem = typeof answered === 'string' ? answered : problemOfAnswer(answered, offered);
        const faults = faultsOfAnswer(answer, offer);
        expect(problem === undefined).toBe(faults.length === 0);
        (problem === undefined ? fitting : unfit).add(problem ?? written(answer, String));
      }),
      { numRuns: 1500 },
    );
    expect(fitting.size).toBeGreaterThan(10);
    const limits = 'server_max_window_bits must be at most|client_max_window_bits must be at most';
    for (const reason of `${limits}|client_max_window_bits, which was not offered|takeover, which was offered`.split(
      '|',
    )) {
      expect([...unfit].some((problem) => problem.includes(reason))).toBe(true);
    }
  });
});

describe('the server', () => {
  test('accepts the first offer that need not be declined, with an answer that is valid for it, and keeps to it', () => {
    fc.assert(
      fc.property(fc.array(element, { minLength: 1, maxLength: 4 }), style, settings, (elements, quote, wanted) => {
        const extensions = parseExtensions(elements.map((one) => written(one, quote)).join(', '));
        const accepted = acceptDeflateOffer(extensions, wanted);
        const offer = elements.find((one) => one.name === 'permessage-deflate' && !mustBeDeclined(one));
        if (accepted === undefined || offer === undefined) {
          expect([accepted, offer]).toEqual([undefined, undefined]);
          return;
        }
        const answer = elementOf(formatExtensions([accepted.answer]));
        expect(faultsOfAnswer(answer, offer)).toEqual([]);
        const { own, peer } = accepted.agreement;
        const server = agreedBy(answer, 'server');
        expect(own.contextTakeover).toBe(server.contextTakeover);
        expect(own.windowBits).toBeLessThanOrEqual(server.windowBits);
        // What the client may do is what the answer says, and nothing that it has only hinted at.
        expect(peer).toEqual(agreedBy(answer, 'client'));
        // And nobody's memory is used against the settings.
        if (!wanted.contextTakeover) expect([own.contextTakeover, peer.contextTakeover]).toEqual([false, false]);
        if (own.contextTakeover) expect(own.windowBits).toBeLessThanOrEqual(wanted.windowBits);
        const isKept = peer.contextTakeover && !wanted.allowsFullWindows;
        if (isKept) expect(peer.windowBits).toBeLessThanOrEqual(wanted.windowBits);
        const clientBits = answer.parameters.find(([name]) => name === 'client_max_window_bits')?.[1];
        expect(Number(clientBits ?? 15)).toBeGreaterThanOrEqual(9);
        const names = answer.parameters.map(([name]) => name);
        const wasAsked = offer.parameters.some(([name]) => name === 'server_max_window_bits');
        expect(names.includes('server_max_window_bits')).toBe(wasAsked);
      }),
      { numRuns: 500 },
    );
  });

  test('throws for no header: a broken grammar is found before, and whatever the rest says is judged', () => {
    const words = fc.constantFrom(
      'permessage-deflate',
      'client_max_window_bits',
      'server_no_context_takeover',
      '10',
      '"8"',
      ';',
      '=',
      ',',
      ' ',
    );
    const header = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(words, { maxLength: 12 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(header, settings, (text, wanted) => {
        const extensions = read(text);
        if (extensions === undefined) return;
        const accepted = acceptDeflateOffer(extensions, wanted);
        const offers = extensions.map(({ name, parameters }) => ({
          name,
          parameters: parameters.map((one) => [one.name, one.value] as const),
        }));
        const offer = offers.find((one) => one.name === 'permessage-deflate' && !mustBeDeclined(one));
        expect(accepted === undefined).toBe(offer === undefined);
        if (accepted === undefined || offer === undefined) return;
        expect(faultsOfAnswer(elementOf(formatExtensions([accepted.answer])), offer)).toEqual([]);
      }),
      { numRuns: 700 },
    );
  });

  test('throws for no parameters, whatever their names and values', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('server_max_window_bits', '', '__proto__', '8'),
    );
    const any = fc.record({ name: text, value: fc.option(text, { nil: undefined }) });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 4 }), settings, (parameters, wanted) => {
        acceptDeflateOffer([{ name: 'permessage-deflate', parameters }], wanted);
      }),
    );
  });
});

describe('the client', () => {
  const offersOf = (wanted: DeflateSettings) => formatExtensions(deflateOffers(wanted)).split(',').map(elementOf);

  test('offers nothing that a server would have to decline, each offer with its own name', () => {
    fc.assert(
      fc.property(settings, (wanted) => {
        for (const offer of offersOf(wanted)) {
          expect([offer.name, mustBeDeclined(offer)]).toEqual(['permessage-deflate', false]);
        }
      }),
    );
  });

  test('takes an answer if, and only if, it is valid for one of its offers, and keeps to it', () => {
    fc.assert(
      fc.property(element, style, settings, (answer, quote, wanted) => {
        const offers = offersOf(wanted);
        const isValid = offers.some((offer) => faultsOfAnswer(answer, offer).length === 0);
        let agreement: ReturnType<typeof readDeflateAnswer>;
        try {
          agreement = readDeflateAnswer(wanted, written(answer, quote));
        } catch (error) {
          expect(error).toBeInstanceOf(HandshakeResponseError);
          expect(isValid).toBe(false);
          return;
        }
        expect(isValid).toBe(true);
        if (agreement === undefined) throw new Error('the answer has accepted an offer');
        const { own, peer } = agreement;
        const [client, server] = [agreedBy(answer, 'client'), agreedBy(answer, 'server')];
        expect(own.windowBits).toBeLessThanOrEqual(client.windowBits);
        expect(own.contextTakeover && !client.contextTakeover).toBe(false);
        expect(peer).toEqual({ ...server, windowBits: Math.max(9, server.windowBits) });
        if (!wanted.contextTakeover) expect([own.contextTakeover, peer.contextTakeover]).toEqual([false, false]);
        if (own.contextTakeover) expect(own.windowBits).toBeLessThanOrEqual(wanted.windowBits);
        const isKept = peer.contextTakeover && !wanted.allowsFullWindows;
        if (isKept) expect(peer.windowBits).toBeLessThanOrEqual(wanted.windowBits);
      }),
      { numRuns: 500 },
    );
  });

  test('throws nothing but that the answer is wrong, for any header', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), settings, (text, wanted) => {
        expect(() => readDeflateAnswer(wanted, text)).toThrow(HandshakeResponseError);
      }),
    );
  });
});

describe('our client and our server', () => {
  test('agree, whatever the settings of each: what one may send the other can read', () => {
    fc.assert(
      fc.property(settings, settings, (ofClient, ofServer) => {
        const header = formatExtensions(deflateOffers(ofClient));
        const accepted = acceptDeflateOffer(parseExtensions(header), ofServer);
        if (accepted === undefined) throw new Error('declined');
        const client = readDeflateAnswer(ofClient, formatExtensions([accepted.answer]));
        const server = accepted.agreement;
        for (const [sender, receiver] of [
          [client?.own, server.peer],
          [server.own, client?.peer],
        ]) {
          expect(sender?.windowBits).toBeLessThanOrEqual(receiver?.windowBits ?? 0);
          // A sender may keep less than it could; never more.
          expect(sender?.contextTakeover === true && receiver?.contextTakeover === false).toBe(false);
        }
      }),
      { numRuns: 500 },
    );
  });
});
