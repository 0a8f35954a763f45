import type { TransportListener } from '../../dist/connection/transport.js';
import type { Arena } from '../../dist/memory/arena.js';

/** Notes what a transport tells. */
export class NotingListener implements TransportListener {
  /** Copies of all reads. */
  readonly read: Buffer[] = [];
  /** All other calls. */
  readonly told: ('written' | 'end' | 'close')[] = [];
  /** What `onRead` answers. */
  goesOn = true;
  /** Where reads are to go. */
  target: readonly [offset: number, length: number] | undefined;
  /** Where they went. */
  readonly readTo: number[] = [];
  readonly #arena: Arena;
  #onCall: () => void = () => {};

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** All that was read, when it is so much. */
  async hasRead(bytes: number): Promise<Buffer> {
    const length = () => this.read.reduce((sum, part) => sum + part.length, 0);
    while (length() < bytes) await this.#call();
    return Buffer.concat(this.read);
  }

  /** Resolves when it was told so, so many times. */
  async isTold(what: 'written' | 'end' | 'close', times = 1): Promise<void> {
    while (this.told.filter((told) => told === what).length < times) await this.#call();
  }

  onRead(start: number, end: number): boolean {
    this.read.push(Buffer.from(this.#arena.bytes.subarray(start, end)));
    this.readTo.push(start);
    this.#onCall();
    return this.goesOn;
  }

  readTarget(): readonly [offset: number, length: number] | undefined {
    return this.target;
  }

  onEnd(): void {
    this.#note('end');
  }

  onWritten(): void {
    this.#note('written');
  }

  /** Whether the transport's descriptor is not its own any more. */
  isDescriptorLost = false;

  onDescriptorLost(): void {
    this.isDescriptorLost = true;
  }

  onClose(): void {
    this.#note('close');
  }

  #note(what: 'written' | 'end' | 'close'): void {
    this.told.push(what);
    this.#onCall();
  }

  #call(): Promise<void> {
    return new Promise((resolve) => (this.#onCall = resolve));
  }
}
