import type { Extension } from '../opening/header-grammar.js';
import { type DeflateAgreement, type DeflateSettings, MIN_PEER_WINDOW_BITS } from './agreement.js';
import {
  type DeflateParameters,
  MAX_WINDOW_BITS,
  PERMESSAGE_DEFLATE,
  readOffer,
  writeParameters,
} from './parameters.js';

/** An offer of permessage-deflate that the server has accepted. */
export interface AcceptedDeflate {
  /** The answer to it, for Sec-WebSocket-Extensions. */
  readonly answer: Extension;
  /** What is agreed on when the answer is sent, as the server sees it. */
  readonly agreement: DeflateAgreement;
}

/**
 * Accepts the first offer of permessage-deflate that is valid: offers come in the client's order of preference (RFC 7692 section 5).
 * An invalid one is declined (section 7), which is no error. The cost is linear in the size of the offers.
 *
 * @param offers all extensions that the client offers, others too.
 * @returns undefined if there is no valid offer: then nothing is compressed.
 */
export function acceptDeflateOffer(
  offers: readonly Extension[],
  settings: DeflateSettings,
): AcceptedDeflate | undefined {
  for (const offer of offers) {
    if (offer.name !== PERMESSAGE_DEFLATE) continue;
    const offered = readOffer(offer);
    if (typeof offered !== 'string') return accept(offered, settings);
  }
  return undefined;
}

/**
 * | parameter                    | is answered if                                                                          |
 * |------------------------------|-----------------------------------------------------------------------------------------|
 * | `server_no_context_takeover` | the server keeps no window of its own, by the offer or by the settings                  |
 * | `client_no_context_takeover` | the server keeps no window of the client. It need not be offered (section 7.1.1.2)      |
 * | `server_max_window_bits`     | it was offered. Some clients reject it otherwise: the window is then small without a word |
 * | `client_max_window_bits`     | the server keeps a window of the client, and that has to be smaller than 32 KiB         |
 *
 * The server relies on nothing but its answer. What the client says of itself in the offer is a hint only (section 7.2.2).
 */
function accept(offered: DeflateParameters, settings: DeflateSettings): AcceptedDeflate {
  const { contextTakeover, windowBits, allowsFullWindows } = settings;
  const ownTakeover = contextTakeover && !offered.serverNoContextTakeover;
  const ownBits = Math.min(offered.serverMaxWindowBits ?? MAX_WINDOW_BITS, ownTakeover ? windowBits : MAX_WINDOW_BITS);
  // A client that was not told of the smaller window keeps a whole one.
  const isUntold = offered.serverMaxWindowBits === undefined && ownBits < MAX_WINDOW_BITS;
  const clientLimit = limitForClient(offered.clientMaxWindowBits, windowBits);
  const peerTakeover =
    contextTakeover && !offered.clientNoContextTakeover && (clientLimit <= windowBits || allowsFullWindows);
  const peerBits = peerTakeover ? clientLimit : MAX_WINDOW_BITS;
  return {
    answer: writeParameters({
      serverNoContextTakeover: !ownTakeover,
      clientNoContextTakeover: !peerTakeover,
      serverMaxWindowBits: offered.serverMaxWindowBits === undefined ? undefined : ownBits,
      clientMaxWindowBits: peerBits === MAX_WINDOW_BITS ? undefined : peerBits,
    }),
    agreement: {
      own: {
        windowBits: ownBits,
        contextTakeover: ownTakeover,
        ...(isUntold && { standaloneBits: MAX_WINDOW_BITS }),
      },
      peer: { windowBits: peerBits, contextTakeover: peerTakeover },
    },
  };
}

/**
 * The largest window that the client uses if it is told to: an answer may not exceed the offer (section 7.1.2.2), and is never below
 * {@link MIN_PEER_WINDOW_BITS}, which many clients cannot do. Nothing can be told to a client that offers 8, or that does not offer the
 * parameter, as Firefox and Safari do not.
 */
function limitForClient(offeredBits: number | undefined, windowBits: number): number {
  if (offeredBits === undefined || offeredBits < MIN_PEER_WINDOW_BITS) return MAX_WINDOW_BITS;
  return Math.min(offeredBits, windowBits);
}
