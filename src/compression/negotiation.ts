import { type AcceptedDeflate, acceptDeflateOffer } from '../protocol/deflate/accept-offer.js';
import type { DeflateSettings } from '../protocol/deflate/agreement.js';
import type { Extension } from '../protocol/opening/header-grammar.js';
import { reserveWindows, type WindowMemory } from './window-memory.js';

/** What a server needs to negotiate compression. It can be sent to other threads. */
export interface NegotiationOptions {
  readonly settings: DeflateSettings;
  readonly windows: WindowMemory;
}

/** What was negotiated for a connection. The memory for its windows is reserved. */
export interface NegotiatedDeflate extends AcceptedDeflate {
  /** Whether there was no memory for its windows, so that it keeps none: each message begins without the earlier ones. */
  readonly lacksWindows: boolean;
}

/**
 * Accepts the first offer of permessage-deflate that is valid, and reserves the memory for the windows of the connection.
 * @param offers all extensions that the client offers.
 * @returns undefined if there is no valid offer.
 */
export function negotiateDeflate(
  offers: readonly Extension[],
  { settings, windows }: NegotiationOptions,
): NegotiatedDeflate | undefined {
  const accepted = acceptDeflateOffer(offers, settings);
  if (accepted === undefined) return undefined;
  if (reserveWindows(windows, accepted.agreement)) return { ...accepted, lacksWindows: false };
  const reduced = acceptDeflateOffer(offers, { ...settings, contextTakeover: false });
  return reduced && { ...reduced, lacksWindows: true };
}
