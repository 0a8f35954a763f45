/** In place of a span: behind the last one of a list, and instead of the first one of an empty list. */
export const NO_SPAN = -1;

/**
 * Doubly linked lists of spans. A span is in one list at most. To add to the front, to take out of the middle and to
 * find the first cost the same however many spans there are, and allocate nothing.
 */
export class SpanLists {
  /** By list: its first span. */
  readonly #first: Int32Array;
  /** By span: its neighbours. */
  readonly #next: Int32Array;
  readonly #previous: Int32Array;

  constructor(lists: number, spans: number) {
    this.#first = new Int32Array(lists).fill(NO_SPAN);
    this.#next = new Int32Array(spans).fill(NO_SPAN);
    this.#previous = new Int32Array(spans).fill(NO_SPAN);
  }

  /** The span that was added last, or `NO_SPAN`. */
  first(list: number): number {
    return this.#first[list] as number;
  }

  /** Whether a span, which is in the list, is the only one in it. */
  isOnly(list: number, span: number): boolean {
    return this.#first[list] === span && this.#next[span] === NO_SPAN;
  }

  /** Puts a span, which is in no list, to the front of a list. */
  add(list: number, span: number): void {
    const next = this.#first[list] as number;
    this.#first[list] = span;
    this.#next[span] = next;
    this.#previous[span] = NO_SPAN;
    if (next !== NO_SPAN) this.#previous[next] = span;
  }

  /** Takes a span out of the list that it is in. */
  remove(list: number, span: number): void {
    const next = this.#next[span] as number;
    const previous = this.#previous[span] as number;
    if (previous === NO_SPAN) this.#first[list] = next;
    else this.#next[previous] = next;
    if (next !== NO_SPAN) this.#previous[next] = previous;
  }
}
