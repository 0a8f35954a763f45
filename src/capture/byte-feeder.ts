/** What a parser wants next: as many bytes, or to pass over as many. */
export type Wish =
  | { readonly take: number /** Whether the input may end in front of them. */; readonly mayEnd?: true }
  | { readonly skip: number };

/**
 * A parser that reads as if all of its input were there. It yields what it wants, and is resumed with the bytes, which are none for what
 * is passed over; or it yields what it has found.
 */
export type ByteParser<T> = Generator<Wish | { readonly found: T }, void, Uint8Array>;

const NOTHING = new Uint8Array(0);

/** Feeds a parser from an input that comes in parts. Of the input no more is kept than the parser wants at a time. */
export class ByteFeeder<T> {
  readonly #parser: ByteParser<T>;
  /** What the parser waits for; undefined before its start and behind its end. */
  #wish: Wish | undefined;
  /** How many bytes of that are to come. */
  #left = 0;
  /** What has come of bytes that the parser wants, if that is in more than one part. */
  #collected: Uint8Array | undefined;

  constructor(parser: ByteParser<T>) {
    this.#parser = parser;
  }

  /** Whether the input would be cut off if it ended here. */
  get isMidRecord(): boolean {
    const wish = this.#wish;
    return wish !== undefined && !('take' in wish && wish.mayEnd === true && this.#left === wish.take);
  }

  /** Takes the next part of the input. What is found may refer to it. @throws what the parser throws. */
  *feed(bytes: Uint8Array): Generator<T> {
    if (this.#wish === undefined) yield* this.#resume(NOTHING);
    let rest = bytes;
    while (this.#wish !== undefined) {
      const part = rest.subarray(0, Math.min(rest.length, this.#left));
      rest = rest.subarray(part.length);
      const whole = 'skip' in this.#wish ? NOTHING : this.#collect(part, this.#wish.take);
      this.#left -= part.length;
      if (this.#left > 0) return;
      this.#collected = undefined;
      yield* this.#resume(whole);
    }
  }

  /** @returns the bytes that are wanted, as far as they have come. */
  #collect(part: Uint8Array, wanted: number): Uint8Array {
    if (part.length === wanted) return part;
    this.#collected ??= new Uint8Array(wanted);
    this.#collected.set(part, wanted - this.#left);
    return this.#collected;
  }

  *#resume(bytes: Uint8Array): Generator<T> {
    let given = bytes;
    for (;;) {
      const { done, value } = this.#parser.next(given);
      if (done === true) {
        this.#wish = undefined;
        return;
      }
      if (!('found' in value)) {
        this.#wish = value;
        this.#left = 'skip' in value ? value.skip : value.take;
        return;
      }
      yield value.found;
      given = NOTHING;
    }
  }
}
