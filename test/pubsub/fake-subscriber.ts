import { constants, inflateRawSync } from 'node:zlib';
import { Dialect, WINDOW_BITS } from '../../dist/pubsub/dialect.js';
import type { FrameMemory } from '../../dist/pubsub/frame-memory.js';
import type { Subscriber } from '../../dist/pubsub/subscriber.js';
import type { DescriptorSender } from '../../dist/pubsub/subscriber-table.js';
import type { Subscription } from '../../dist/pubsub/subscription.js';
import type { Topics } from '../../dist/pubsub/topics.js';

/** First byte of an unfragmented text frame. */
const TEXT_FRAME = 0x81;
/** The same with RSV1: the message is compressed (RFC 7692 section 6). */
const DEFLATED_TEXT_FRAME = 0xc1;
/** What a sender leaves out behind a compressed message (RFC 7692 section 7.2.1). */
const TAIL = Buffer.from([0, 0, 0xff, 0xff]);

interface Delivery {
  readonly memory: FrameMemory;
  readonly start: number;
  readonly end: number;
  readonly messages: number;
  readonly areDeflated: boolean;
}

/** A subscriber that notes its deliveries, and may hold their memory, as a connection with a slow peer does. */
export class FakeSubscriber implements Subscriber {
  subscription: Subscription | undefined;
  readonly dialect: Dialect;

  /** The payloads of all messages, in the order in which they came. */
  readonly got: string[] = [];
  /** How many of them were compressed. */
  deflated = 0;
  /** Each call of `deliver`. */
  readonly deliveries: Delivery[] = [];
  /** Whether it reads later: then it holds the memory of its deliveries until {@link readHeld}. */
  isSlow = false;
  readonly #held: Delivery[] = [];
  readonly #descriptor: number;
  /** The beginning of a frame whose end has not come. */
  #partial: Buffer = Buffer.alloc(0);
  /** The next delivery is the rest of an earlier one, maybe from the end of one of its messages on. */
  #awaitsRest = false;

  /** @param descriptor others may send to it directly, without a call of `deliver`. */
  constructor(descriptor = -1, dialect: Dialect = Dialect.PLAIN) {
    this.#descriptor = descriptor;
    this.dialect = dialect;
  }

  get clearDescriptor(): number {
    return this.#held.length === 0 ? this.#descriptor : -1;
  }

  /** Takes bytes that do not come by {@link deliver}. A socket may take a part of a message. */
  take(bytes: Uint8Array, isAll: boolean): void {
    this.#append(bytes);
    this.#awaitsRest = !isAll;
  }

  deliver(memory: FrameMemory, start: number, end: number, messages: number, areDeflated: boolean): void {
    const delivery = { memory, start, end, messages, areDeflated };
    this.deliveries.push(delivery);
    if (!this.isSlow) {
      this.#read(delivery);
      return;
    }
    memory.acquire();
    this.#held.push(delivery);
  }

  /** How many times `onMissed` was called. */
  missed = 0;

  onMissed(): void {
    this.missed++;
  }

  /** Reads the held bytes, and releases their memory. */
  readHeld(): void {
    for (const delivery of this.#held.splice(0)) {
      this.#read(delivery);
      delivery.memory.release();
    }
  }

  #read({ memory, start, end, messages, areDeflated }: Delivery): void {
    const { deflated } = this;
    const isWhole = this.#partial.length === 0 && !this.#awaitsRest;
    this.#awaitsRest = false;
    const count = this.#append(memory.bytes.subarray(start, end));
    if (isWhole && count !== messages) throw new Error(`${count} messages come as ${messages}`);
    if (isWhole && areDeflated !== this.deflated > deflated) throw new Error(`deflated: ${areDeflated}`);
  }

  /** @returns how many messages have come to their end. */
  #append(bytes: Uint8Array): number {
    const { payloads, rest, deflated } = payloadsOf(Buffer.concat([this.#partial, bytes]), WINDOW_BITS[this.dialect]);
    this.deflated += deflated;
    this.#partial = rest;
    this.got.push(...payloads);
    return payloads.length;
  }
}

/** A host's sockets: those of subscribers, by their descriptors. */
export class FakeSender implements DescriptorSender {
  readonly subscribers = new Map<number, FakeSubscriber>();
  /** How many bytes of a given number the socket takes. */
  takes: (offered: number) => number = (offered) => offered;
  sent = 0;
  counted = 0;

  send(fd: number, bytes: Uint8Array, start: number, end: number): number {
    const subscriber = this.subscribers.get(fd);
    if (subscriber === undefined) throw new Error(`nobody has descriptor ${fd}`);
    if (subscriber.clearDescriptor !== fd) throw new Error(`what waits for ${fd} is overtaken`);
    this.sent++;
    const taken = subscriber.isSlow ? -1 : this.takes(end - start);
    if (taken > 0) subscriber.take(bytes.subarray(start, start + taken), taken === end - start);
    return taken;
  }

  count(messages: number): void {
    this.counted += messages;
  }

  discard(bytes: Uint8Array): void {
    bytes.fill(0);
  }
}

/** Publishes a text. */
export function publishText(
  topics: Topics,
  topic: string,
  text: string,
  except?: Subscriber,
  mayCompress?: boolean,
): boolean {
  const bytes = Buffer.from(`not part of it${text}nor this`);
  const isRoom = topics.publish(topic, except, TEXT_FRAME, bytes, 14, bytes.length - 14 - 8, mayCompress);
  bytes.fill(0);
  return isRoom;
}

/**
 * The payloads of unmasked text frames, and the beginning of one more.
 * @param windowBits how far compressed messages may refer back; 0 if none may come.
 */
function payloadsOf(
  frames: Buffer,
  windowBits: number,
): { readonly payloads: string[]; readonly rest: Buffer; readonly deflated: number } {
  const payloads: string[] = [];
  let deflated = 0;
  for (let from = 0; ; ) {
    let at = from + 2;
    const rest = frames.subarray(from);
    if (rest.length < 2) return { payloads, rest, deflated };
    const isDeflated = frames[from] === DEFLATED_TEXT_FRAME && windowBits > 0;
    if (frames[from] !== TEXT_FRAME && !isDeflated) throw new Error(`no text frame at ${from}`);
    let length = frames.readUInt8(from + 1);
    const lengthBytes = length === 126 ? 2 : length === 127 ? 8 : 0;
    if (frames.length < at + lengthBytes) return { payloads, rest, deflated };
    if (lengthBytes === 2) length = frames.readUInt16BE(at);
    else if (lengthBytes === 8) length = Number(frames.readBigUInt64BE(at));
    at += lengthBytes;
    if (frames.length < at + length) return { payloads, rest, deflated };
    const payload = frames.subarray(at, at + length);
    payloads.push((isDeflated ? inflate(payload, windowBits) : payload).toString());
    if (isDeflated) deflated++;
    from = at + length;
  }
}

/** Inflates a message that refers to no other, with a window of exactly the agreed size. */
function inflate(payload: Buffer, windowBits: number): Buffer {
  return inflateRawSync(Buffer.concat([payload, TAIL]), { windowBits, finishFlush: constants.Z_SYNC_FLUSH });
}
