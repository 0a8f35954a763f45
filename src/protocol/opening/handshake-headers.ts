/**
 * The headers of an opening handshake, found by their names in any case. Field lines of one name are joined with ", ", cookies with
 * "; " (RFC 9110 section 5.3, RFC 6265 section 5.4). Unlike WHATWG's Headers, it throws for nothing that a parser lets through, and
 * costs nothing until the application asks: the index is made at the first call.
 */
export class HandshakeHeaders implements Iterable<readonly [name: string, value: string]> {
  /** Names and values in turn, as they came. From these the headers can be made again in another thread. */
  readonly raw: readonly string[];
  #index: Map<string, string> | undefined;

  constructor(rawHeaders: readonly string[]) {
    this.raw = rawHeaders;
  }

  /** The value of a header, its field lines joined; undefined if it has not come. */
  get(name: string): string | undefined {
    return this.#byName().get(name.toLowerCase());
  }

  /** Whether a header has come. */
  has(name: string): boolean {
    return this.#byName().has(name.toLowerCase());
  }

  /** Every name once, in lower case, in the order in which they first came. */
  [Symbol.iterator](): IterableIterator<[name: string, value: string]> {
    return this.#byName().entries();
  }

  #byName(): Map<string, string> {
    if (this.#index !== undefined) return this.#index;
    const index = new Map<string, string>();
    for (let i = 0; i < this.raw.length; i += 2) {
      const name = (this.raw[i] ?? '').toLowerCase();
      const value = this.raw[i + 1] ?? '';
      const earlier = index.get(name);
      index.set(name, earlier === undefined ? value : `${earlier}${name === 'cookie' ? '; ' : ', '}${value}`);
    }
    this.#index = index;
    return index;
  }
}
