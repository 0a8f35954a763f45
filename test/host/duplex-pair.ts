import { Duplex } from 'node:stream';

/** How much an end takes before it is read, in bytes: the default of Node.js 20. Since Node.js 22 it is four times as much. */
const HIGH_WATER_MARK_BYTES = 16 * 1024;

/** One end of a byte stream in memory. (`stream.duplexPair` is not in every Node.js that is supported.) */
class End extends Duplex {
  other: End | undefined = undefined;
  /** To be called when the other end has read what was written here. */
  #taken: (() => void) | undefined;
  /** The other end takes nothing any more. */
  #isStuck = false;

  constructor() {
    super({ highWaterMark: HIGH_WATER_MARK_BYTES });
  }

  override _read(): void {
    this.other?.letGo();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, written: () => void): void {
    this.#taken = written;
    this.other?.push(bytes);
  }

  override _final(done: () => void): void {
    this.other?.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { other } = this;
    this.other = undefined;
    done(error);
    if (other !== undefined) process.nextTick(() => other.destroy());
  }

  /** The other end has read what was written here. */
  letGo(): void {
    if (this.#isStuck) return;
    const taken = this.#taken;
    this.#taken = undefined;
    if (taken !== undefined) process.nextTick(taken);
  }

  /** From now on what is written here stays queued. */
  stick(): void {
    this.#isStuck = true;
  }
}

/** Two ends of a byte stream in memory: what is written to one is read from the other. */
export function duplexPair(): readonly [server: End, client: End] {
  const ends = [new End(), new End()] as const;
  ends[0].other = ends[1];
  ends[1].other = ends[0];
  return ends;
}
