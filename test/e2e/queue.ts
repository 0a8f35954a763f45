/** Items that came and were not asked for yet, in order; or the calls of `next` that wait for an item. */
export class Queue<T> {
  readonly #values: T[] = [];
  readonly #waiting: { resolve(value: T): void; reject(error: Error): void }[] = [];
  #end: Error | undefined;

  push(value: T): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#values.push(value);
    else next.resolve(value);
  }

  /** Nothing more will come: calls of `next` that wait now or later are rejected. */
  end(reason: string): void {
    this.#end ??= new Error(reason);
    for (const { reject } of this.#waiting.splice(0)) reject(this.#end);
  }

  next(): Promise<T> {
    const value = this.#values.shift();
    if (value !== undefined) return Promise.resolve(value);
    if (this.#end !== undefined) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  async take(count: number): Promise<T[]> {
    const taken: T[] = [];
    while (taken.length < count) taken.push(await this.next());
    return taken;
  }

  /** The items that are there now and were not asked for. */
  get rest(): readonly T[] {
    return this.#values;
  }
}
