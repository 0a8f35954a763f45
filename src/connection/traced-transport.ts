import { describeHeader, FrameHeaders } from '../protocol/frame-headers.js';
import type { Transport, TransportListener } from './transport.js';

/** Where the bytes lie that a transport reads. */
interface ReadMemory {
  readonly bytes: Uint8Array;
}

/**
 * A transport, and its listener, that show the header of each frame of a connection: those that arrive as they have arrived, before
 * their payload is unmasked, and those that are sent. It wraps the real transport and passes everything on.
 *
 * All bytes of a connection come in by `onRead` and go out by the transport, as long as it has no descriptor that publications could
 * be sent to directly: so it says that it has none.
 */
export class TracedTransport implements Transport, TransportListener {
  readonly descriptor = -1;
  readonly #memory: ReadMemory;
  readonly #listener: TransportListener;
  readonly #transport: Transport;
  readonly #received: FrameHeaders;
  readonly #sent: FrameHeaders;

  /**
   * @param connect makes the transport that is wrapped, with the listener that it is to have.
   * @param listener the connection.
   * @param head was read of the connection before, and is shown at once.
   * @param show is given a line for each frame.
   */
  constructor(
    memory: ReadMemory,
    connect: (listener: TransportListener) => Transport,
    listener: TransportListener,
    head: Uint8Array,
    show: (line: string) => void,
  ) {
    this.#memory = memory;
    this.#listener = listener;
    this.#received = new FrameHeaders((header) => show(`received ${describeHeader(header)}`));
    this.#sent = new FrameHeaders((header) => show(`sent ${describeHeader(header)}`));
    this.#transport = connect(this);
    this.#received.feed(head);
  }

  get queuedBytes(): number {
    return this.#transport.queuedBytes;
  }

  get acknowledgedBytes(): number {
    return this.#transport.acknowledgedBytes;
  }

  get protocolBytes(): number {
    return this.#transport.protocolBytes;
  }

  tryWrite(bytes: Uint8Array, start: number, end: number): number {
    const taken = this.#transport.tryWrite(bytes, start, end);
    this.#sent.feed(bytes.subarray(start, start + taken));
    return taken;
  }

  tryWriteBoth(head: Uint8Array, body: Uint8Array): number {
    const taken = this.#transport.tryWriteBoth(head, body);
    this.#sent.feed(head.subarray(0, taken));
    this.#sent.feed(body.subarray(0, Math.max(0, taken - head.length)));
    return taken;
  }

  enqueue(bytes: Uint8Array, written?: () => void): void {
    this.#sent.feed(bytes);
    this.#transport.enqueue(bytes, written);
  }

  enqueueCopy(bytes: Uint8Array, start: number, end: number): void {
    this.#sent.feed(bytes.subarray(start, end));
    this.#transport.enqueueCopy(bytes, start, end);
  }

  pause(): void {
    this.#transport.pause();
  }

  resume(): void {
    this.#transport.resume();
  }

  end(): void {
    this.#transport.end();
  }

  destroy(): void {
    this.#transport.destroy();
  }

  onRead(start: number, end: number): boolean {
    this.#received.feed(this.#memory.bytes.subarray(start, end));
    return this.#listener.onRead(start, end);
  }

  readTarget(): readonly [offset: number, length: number] | undefined {
    return this.#listener.readTarget();
  }

  onEnd(): void {
    this.#listener.onEnd();
  }

  onWritten(): void {
    this.#listener.onWritten();
  }

  onDescriptorLost(): void {
    this.#listener.onDescriptorLost();
  }

  onClose(): void {
    this.#listener.onClose();
  }
}
