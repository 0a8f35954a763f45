import type { SharedChunk } from '../../dist/pubsub/shared-chunk.js';
import type { Subscriber, Topics } from '../../dist/pubsub/topics.js';

/** First byte of an unfragmented text frame. */
const TEXT_FRAME = 0x81;

interface Delivery {
  readonly chunk: SharedChunk;
  readonly start: number;
  readonly end: number;
  readonly messages: number;
}

/** A subscriber that notes what it is given, and may hold it as a connection does whose peer is slow. */
export class FakeSubscriber implements Subscriber {
  topics: Set<string> | undefined;
  batch = 0;
  runsTaken = 0;

  /** The payloads of all messages, in the order in which they came. */
  readonly got: string[] = [];
  /** Each call of `deliver`. */
  readonly deliveries: Delivery[] = [];
  /** Whether it reads later: it holds the memory of what it is given until {@link readHeld}. */
  isSlow = false;
  readonly #held: Delivery[] = [];

  deliver(chunk: SharedChunk, start: number, end: number, messages: number): void {
    const delivery = { chunk, start, end, messages };
    this.deliveries.push(delivery);
    if (!this.isSlow) {
      this.#read(delivery);
      return;
    }
    chunk.acquire();
    this.#held.push(delivery);
  }

  /** Reads what was held, and lets go of it. */
  readHeld(): void {
    for (const delivery of this.#held.splice(0)) {
      this.#read(delivery);
      delivery.chunk.release();
    }
  }

  #read({ chunk, start, end, messages }: Delivery): void {
    const payloads = payloadsOf(chunk.bytes.subarray(start, end));
    if (payloads.length !== messages) throw new Error(`${payloads.length} messages come as ${messages}`);
    this.got.push(...payloads);
  }
}

/** Publishes a text. */
export function publishText(topics: Topics, topic: string, text: string, except?: Subscriber): void {
  const bytes = Buffer.from(`not part of it${text}nor this`);
  topics.publish(topic, except, TEXT_FRAME, bytes, 14, bytes.length - 14 - 8);
  bytes.fill(0);
}

/** The payloads of unmasked text frames. */
function payloadsOf(frames: Buffer): string[] {
  const payloads: string[] = [];
  for (let at = 0; at < frames.length; ) {
    if (frames[at] !== TEXT_FRAME) throw new Error(`no text frame at ${at}`);
    let length = frames.readUInt8(at + 1);
    at += 2;
    if (length === 126) {
      length = frames.readUInt16BE(at);
      at += 2;
    } else if (length === 127) {
      length = Number(frames.readBigUInt64BE(at));
      at += 8;
    }
    if (at + length > frames.length) throw new Error(`a frame is cut at ${frames.length}`);
    payloads.push(frames.toString('utf8', at, at + length));
    at += length;
  }
  return payloads;
}
