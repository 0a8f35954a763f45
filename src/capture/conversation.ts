import type { ByteBudget } from '../anatomy/byte-budget.js';
import type { DissectedClose, DissectedFrame } from '../anatomy/dissected-frame.js';
import { FrameDissector } from '../anatomy/frame-dissector.js';
import type { Side } from '../anatomy/frame-judge.js';
import type { DeflateParameters } from '../protocol/deflate/parameters.js';
import { Opcode, RSV1, RSV_BITS } from '../protocol/opcode.js';
import type { Sha1Base64 } from '../protocol/opening/accept-key.js';
import { judgeOpening, type Opening, type Violation } from './opening.js';
import { type Beginnings, type DirectionContext, OpeningReader, sideOf } from './opening-reader.js';
import type { End } from './tcp-connections.js';

/** How many bytes are taken apart at a time: each may bring half as many frames. */
const SLICE_BYTES = 4096;

/** How conversations are taken apart. */
export interface ConversationOptions {
  /** How many bytes are kept of each payload and of each message. */
  readonly keptBytes: number;
  /** The parameters of permessage-deflate of a connection whose opening handshake was not captured. */
  readonly assumedDeflate: DeflateParameters | undefined;
  /** Makes what decompresses the messages of one direction in their order: see {@link FrameDissector}. */
  readonly makeInflater: () => (message: Uint8Array) => Uint8Array | undefined;
  /** For Sec-WebSocket-Accept. */
  readonly sha1Base64: Sha1Base64;
}

/** What happens in a conversation. */
export type ConversationEvent =
  | { readonly kind: 'other'; readonly what: 'TLS' | 'HTTP' | 'other' }
  | { readonly kind: 'opening'; readonly opening: Opening /** The end that is the client. */; readonly client: End }
  | { readonly kind: 'frame'; readonly from: Side; readonly frame: DissectedFrame }
  | { readonly kind: 'violation'; readonly violation: Violation }
  /** A message whose last frame has not come, or a frame that is not whole, at the end of a direction. */
  | { readonly kind: 'unfinished'; readonly from: Side; readonly frame: DissectedFrame | undefined };

/** What one side has sent. */
interface Direction {
  readonly from: Side;
  /** Undefined until its first byte comes, which may go on with a message that has begun before the capture. */
  dissector: FrameDissector | undefined;
  /** Where its frames begin, in bytes from the beginning of the stream. */
  readonly base: number;
  close: DissectedClose | 'empty' | undefined;
}

/** A WebSocket connection, from the bytes that both ends have sent: opening handshake, frames, closing handshake. */
export class Conversation {
  readonly #options: ConversationOptions;
  readonly #budget: ByteBudget;
  readonly #reader: OpeningReader;
  /** By the ends; undefined until the opening is known, and if the server has refused. */
  #directions: readonly [Direction, Direction] | undefined;
  #opening: Opening | undefined;
  #isDecided = false;

  /**
   * @param opener the end that has opened the TCP connection, if that is known.
   * @param budget for compressed messages, which are kept until they are whole.
   */
  constructor(opener: End | undefined, budget: ByteBudget, options: ConversationOptions) {
    this.#options = options;
    this.#budget = budget;
    this.#reader = new OpeningReader(opener);
  }

  /** What the Close frame of an end has said, if one was captured. */
  closeOf(side: Side): DissectedClose | 'empty' | undefined {
    return this.#directions?.find(({ from }) => from === side)?.close;
  }

  /** Takes the next bytes of an end. @param contexts what is known of both directions by now. */
  *feed(
    end: End,
    bytes: Uint8Array,
    contexts: readonly [DirectionContext, DirectionContext],
  ): Generator<ConversationEvent> {
    let rest = bytes;
    if (!this.#isDecided) {
      rest = bytes.subarray(this.#reader.feed(end, bytes));
      yield* this.#decide(this.#reader.decide(contexts, false));
      if (!this.#isDecided) return;
    }
    yield* this.#dissect(end, rest);
  }

  /**
   * To be called if no more opening handshake can come: for what has come of it.
   * @param contexts as for {@link feed}.
   */
  *settle(contexts: readonly [DirectionContext, DirectionContext]): Generator<ConversationEvent> {
    if (!this.#isDecided) yield* this.#decide(this.#reader.decide(contexts, true));
  }

  /**
   * To be called once if nothing more comes of an end.
   * @param isWhole whether it has sent no more: then a frame that is cut off breaks a rule.
   */
  *end(end: End, isWhole: boolean): Generator<ConversationEvent> {
    const direction = this.#directions?.[end];
    if (direction?.dissector === undefined) return;
    const { from, dissector, base } = direction;
    const isMidMessage = dissector.isMidMessage;
    const cut = dissector.end();
    dissector.discard();
    const frame = cut && { ...cut, at: base + cut.at };
    if (frame === undefined && !isMidMessage) return;
    if (frame === undefined || !isWhole) yield { kind: 'unfinished', from, frame };
    else yield* this.#frame(direction, frame);
  }

  *#decide(beginnings: Beginnings | undefined): Generator<ConversationEvent> {
    if (beginnings === undefined) return;
    this.#isDecided = true;
    if (!beginnings.isWebSocket) {
      yield { kind: 'other', what: beginnings.what };
      return;
    }
    const { client, request, response, headBytes } = beginnings;
    const { assumedDeflate, sha1Base64 } = this.#options;
    const opening = judgeOpening(request, response, assumedDeflate, sha1Base64);
    yield { kind: 'opening', opening, client };
    for (const violation of opening.violations) yield { kind: 'violation', violation };
    const isUpgraded = response === undefined || opening.response?.status === 101;
    if (!isUpgraded) return;
    this.#opening = opening;
    const directionOf = (end: End): Direction => {
      const base = end === client ? headBytes[0] : headBytes[1];
      return { from: sideOf(end, client), dissector: undefined, base, close: undefined };
    };
    this.#directions = [directionOf(0), directionOf(1)];
    const order: readonly End[] = client === 0 ? [0, 1] : [1, 0];
    for (const end of order) yield* this.#dissect(end, this.#reader.keptOf(end).subarray(this.#directions[end].base));
    this.#reader.discard();
  }

  /** @param bytes the first that come of the direction, behind the opening handshake. */
  #newDissector({ from, base }: Direction, bytes: Uint8Array, { deflate, extensions }: Opening): FrameDissector {
    const { keptBytes, makeInflater } = this.#options;
    const hasTakeover = !(from === 'client' ? deflate?.clientNoContextTakeover : deflate?.serverNoContextTakeover);
    const inflate = hasTakeover ? makeInflater() : (message: Uint8Array) => makeInflater()(message);
    return new FrameDissector({
      ...{ from, keptBytes, budget: this.#budget },
      // What an unknown extension does to messages is not known.
      ...(extensions.hasOthers ? { allowedRsv: RSV_BITS } : deflate !== undefined && { allowedRsv: RSV1, inflate }),
      isMidMessage: base === 0 && isContinuation(bytes),
    });
  }

  *#dissect(end: End, bytes: Uint8Array): Generator<ConversationEvent> {
    const direction = this.#directions?.[end];
    if (direction === undefined || this.#opening === undefined || bytes.length === 0) return;
    direction.dissector ??= this.#newDissector(direction, bytes, this.#opening);
    for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
      for (const frame of direction.dissector.feed(bytes.subarray(at, at + SLICE_BYTES))) {
        yield* this.#frame(direction, { ...frame, at: direction.base + frame.at });
      }
    }
  }

  *#frame(direction: Direction, frame: DissectedFrame): Generator<ConversationEvent> {
    const { from } = direction;
    const { at, broken } = frame;
    yield { kind: 'frame', from, frame };
    for (const { rule, section, found } of broken) {
      yield { kind: 'violation', violation: { from, at, rule, section, found, mayQuoteSecret: false } };
    }
    const opcode = (frame.header[0] as number) & 0x0f; // a frame has a first byte
    if (opcode === Opcode.CLOSE) direction.close ??= frame.close ?? 'empty';
    else if (direction.close !== undefined && opcode < Opcode.CLOSE) {
      const found = 'a data frame behind the Close frame (RFC 6455 section 5.5.1)';
      yield {
        kind: 'violation',
        violation: { from, at, rule: 'after-close', section: '5.5.1', found, mayQuoteSecret: false },
      };
    }
  }
}

/** Whether bytes, which are the first that were captured of a direction, begin between the fragments of a message. */
function isContinuation(bytes: Uint8Array): boolean {
  return ((bytes[0] ?? Opcode.TEXT) & 0x0f) === Opcode.CONTINUATION;
}
