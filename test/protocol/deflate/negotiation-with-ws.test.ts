/** Negotiation of permessage-deflate with `ws`, as its client and as its server. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as ws from 'ws';
import { acceptDeflateOffer } from '../../../dist/protocol/deflate/accept-offer.js';
import type { DeflateSettings } from '../../../dist/protocol/deflate/agreement.js';
import { deflateOffers, readDeflateAnswer } from '../../../dist/protocol/deflate/offer.js';
import { formatExtensions, parseExtensions } from '../../../dist/protocol/opening/header-grammar.js';

/** The parameters of an extension as `ws` has them once they are accepted. */
type Accepted = Readonly<Record<string, true | number>>;

/** What `ws` exports and its types do not have. */
interface Negotiation {
  readonly PerMessageDeflate: new (
    options: Readonly<Record<string, unknown>>,
  ) => { offer(): object; accept(configurations: unknown): Accepted };
  readonly extension: {
    parse(header: string): Readonly<Record<string, unknown>>;
    format(extensions: Readonly<Record<string, object>>): string;
  };
}
const { PerMessageDeflate, extension } = ws as unknown as Negotiation;
const NAME = 'permessage-deflate';

const settings: fc.Arbitrary<DeflateSettings> = fc.record({
  contextTakeover: fc.boolean(),
  windowBits: fc.integer({ min: 9, max: 15 }),
  allowsFullWindows: fc.boolean(),
});

const bits = fc.integer({ min: 9, max: 15 });
const wsOptions = fc.record(
  {
    serverNoContextTakeover: fc.constant(true),
    clientNoContextTakeover: fc.constant(true),
    serverMaxWindowBits: bits,
    clientMaxWindowBits: bits,
  },
  { requiredKeys: [] },
);

/** What `ws` makes of its parameters. */
const sideOf = (accepted: Accepted, side: 'server' | 'client') => ({
  windowBits: Number(accepted[`${side}_max_window_bits`] ?? 15),
  contextTakeover: accepted[`${side}_no_context_takeover`] !== true,
});

describe('negotiation with ws', () => {
  test('as the client succeeds whatever it offers, and both agree on what each may send', () => {
    fc.assert(
      fc.property(wsOptions, settings, (options, wanted) => {
        const client = new PerMessageDeflate(options);
        const accepted = acceptDeflateOffer(parseExtensions(extension.format({ [NAME]: client.offer() })), wanted);
        if (accepted === undefined) throw new Error('declined');
        const parameters = client.accept(extension.parse(formatExtensions([accepted.answer]))[NAME]);
        const { own, peer } = accepted.agreement;
        const server = sideOf(parameters, 'server');
        expect(own.contextTakeover).toBe(server.contextTakeover);
        expect(own.windowBits).toBeLessThanOrEqual(server.windowBits);
        const of = sideOf(parameters, 'client');
        expect(peer.contextTakeover).toBe(of.contextTakeover);
        expect(of.windowBits).toBeLessThanOrEqual(peer.windowBits);
      }),
      { numRuns: 500 },
    );
  });

  test('as the server succeeds whatever we offer, unless its options forbid it, and both agree on what each may send', () => {
    let successes = 0;
    fc.assert(
      fc.property(wsOptions, settings, (options, wanted) => {
        const server = new PerMessageDeflate({ ...options, isServer: true });
        let parameters: Accepted;
        try {
          parameters = server.accept(extension.parse(formatExtensions(deflateOffers(wanted)))[NAME]);
        } catch (error) {
          expect(String(error)).toContain('None of the extension offers can be accepted');
          return;
        }
        successes++;
        const agreement = readDeflateAnswer(wanted, extension.format({ [NAME]: parameters }));
        if (agreement === undefined) throw new Error('not accepted');
        const { own, peer } = agreement;
        const of = sideOf(parameters, 'client');
        expect(own.contextTakeover && !of.contextTakeover).toBe(false);
        expect(own.windowBits).toBeLessThanOrEqual(of.windowBits);
        expect(peer).toEqual(sideOf(parameters, 'server'));
      }),
      { numRuns: 500 },
    );
    expect(successes).toBeGreaterThan(100);
  });
});
