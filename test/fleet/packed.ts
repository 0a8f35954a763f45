import { Origin } from '../../dist/fleet/envelope.js';
import { EnvelopeMemory, packEnvelopes } from '../../dist/fleet/pack-envelopes.js';

export interface Packing {
  readonly origin?: Origin;
  readonly maxBytes?: number;
  readonly timestamp?: number;
  readonly mayCompress?: boolean;
  readonly memory?: EnvelopeMemory;
}

/** The envelopes that an engine is given of some messages. The bytes of each are valid until the next one is asked for. */
export function packed(frames: Uint8Array, messages: number, packing: Packing = {}): Generator<Uint8Array, void, void> {
  const { origin = new Origin(), maxBytes = 1_000_000, timestamp = 5, mayCompress = true, memory } = packing;
  const publication = { topic: 'topic', frames, messages, timestamp, mayCompress };
  return packEnvelopes(origin, publication, maxBytes, memory ?? new EnvelopeMemory());
}
