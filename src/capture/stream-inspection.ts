import { ByteBudget } from '../anatomy/byte-budget.js';
import type { Side } from '../anatomy/frame-judge.js';
import { Conversation, type ConversationOptions } from './conversation.js';
import type { InspectionEvent } from './inspection.js';

/** How much is kept of a compressed message that is not whole, in bytes. */
const MAX_COMPRESSED_BYTES = 64 * 1024 * 1024;

/** Takes apart what one side of a WebSocket connection has sent, from its opening handshake on or from any frame on. */
export class StreamInspection {
  readonly #conversation: Conversation;
  /** What was sent is all that is known: there is no other direction, and nothing on times and addresses. */
  readonly #contexts = [
    { isFromStart: false, areFrames: true },
    { isFromStart: false, isSilent: true },
  ] as const;
  readonly #from: Side;
  /** What the bytes are if they are no WebSocket. */
  other: 'TLS' | 'HTTP' | 'other' | undefined;

  constructor(from: Side, options: ConversationOptions) {
    this.#from = from;
    this.#conversation = new Conversation(from === 'client' ? 0 : 1, new ByteBudget(MAX_COMPRESSED_BYTES), options);
  }

  /** Takes the next bytes. @returns what they bring. */
  *take(bytes: Uint8Array): Generator<InspectionEvent> {
    yield* this.#events(this.#conversation.feed(0, bytes, this.#contexts));
  }

  /** To be called if nothing more comes. */
  *end(): Generator<InspectionEvent> {
    yield* this.#events(this.#conversation.settle(this.#contexts));
    yield* this.#events(this.#conversation.end(0, true));
  }

  *#events(events: ReturnType<Conversation['feed']>): Generator<InspectionEvent> {
    for (const event of events) {
      if (event.kind === 'other') this.other = event.what;
      else yield { ...event, number: 1, onlyFrom: this.#from };
    }
  }
}
