import { Duplex } from 'node:stream';

/** One of two streams in this process. What is written to one is read from the other at once. */
class End extends Duplex {
  other: End | undefined;

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    // Before the other end gets anything, because it may answer within the call, and get an answer.
    callback();
    this.other?.push(Buffer.from(bytes));
  }

  override _final(callback: () => void): void {
    callback();
    this.other?.push(null);
    this.other?.read(0); // as sockets do, so that 'end' also comes if nobody reads
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    const { other } = this;
    if (other !== undefined && !other.destroyed) process.nextTick(() => other.destroy());
    callback(error);
  }
}

export function duplexPair(): readonly [Duplex, Duplex] {
  const one = new End({ allowHalfOpen: true });
  const other = new End({ allowHalfOpen: true });
  one.other = other;
  other.other = one;
  return [one, other];
}
