import { type Content, contentBytes } from '#dist/study/texts.js';
import { compile } from '#dist/study/timing.js';
import type { Candidate } from './candidates.js';
import { type Cache, type Group, USUAL_ALIGNMENT } from './design.js';
import type { Places, Workplace } from './workplace.js';

/** A masking key of four different bytes, in the order in which they are applied, and as kernels want it. */
const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
const KEY = MASK.readInt32LE();
const NO_MASK = Buffer.alloc(4);

/** About how long a batch of calls lasts: long compared to a call of the clock, short compared to disturbances. */
const BATCH_MS = 0.05;

/** How long each loop warms up, at each of two sizes. */
const WARM_UP_MS = 20;
/** How long each case warms up. */
const SETTLE_MS = 4;

/** `sum` is the sum of the results of the calls. */
type Loop = (
  subject: object,
  times: number,
  length: number,
  key: number,
  mask: Buffer,
  offsets: readonly number[],
  views: readonly Buffer[],
  sources: readonly Buffer[],
) => number;

/** The loops of a process: one for each candidate, hot or cold. So each loop has seen all sizes, and no other candidate. */
export class Loops {
  readonly #workplace: Workplace;
  readonly #made = new Map<string, { readonly subject: object; readonly run: Loop }>();

  constructor(workplace: Workplace) {
    this.#workplace = workplace;
  }

  of(candidate: Candidate, cache: Cache): { readonly subject: object; readonly run: Loop } {
    const name = `${candidate.op} ${candidate.name} ${cache}`;
    const known = this.#made.get(name);
    if (known !== undefined) return known;
    const made = { subject: candidate.make(this.#workplace), run: loop(candidate, cache) };
    this.#made.set(name, made);
    this.#warmUp(made, cache);
    return made;
  }

  /** Warms up, so that the optimizing compiler has seen a small and a larger size, and is done, before anything is measured. */
  #warmUp({ subject, run }: { readonly subject: object; readonly run: Loop }, cache: Cache): void {
    for (const size of [16, 1024]) {
      const places = this.#workplace[cache](size, USUAL_ALIGNMENT);
      const { offsets, views, sources } = places;
      for (const place of [...views, ...sources]) place.set(contentBytes('json', size));
      const end = performance.now() + WARM_UP_MS;
      while (performance.now() < end) run(subject, offsets.length, size, KEY, MASK, offsets, views, sources);
    }
  }
}

function loop(candidate: Candidate, cache: Cache): Loop {
  const names =
    cache === 'hot'
      ? { offset: 'offsets[0]', view: 'views[0]', source: 'sources[0]' }
      : { offset: 'offsets[i]', view: 'views[i]', source: 'sources[i]' };
  const call = candidate.call({ subject: 'subject', ...names });
  return compile('subject', `(${call})`, ['length', 'key', 'mask', 'offsets', 'views', 'sources']) as Loop;
}

/** A result is not what it must be. */
export class WrongResult extends Error {}

/**
 * One candidate in one case. All its work is verified while it is measured: verdicts by their sum over each batch, and unmasked bytes
 * at the end, because the number of calls says whether they must be masked or not.
 */
export class Trial {
  readonly candidate: Candidate;
  readonly #workplace: Workplace;
  readonly #places: Places;
  readonly #content: Buffer;
  readonly #isValid: boolean;
  readonly #key: number;
  readonly #mask: Buffer;
  readonly #subject: object;
  readonly #run: Loop;
  /** How many calls a batch has. In a cold case each call visits another place. */
  times = 1;
  #batches = 0;
  #calls = 0;

  constructor(candidate: Candidate, group: Group, places: Places, workplace: Workplace, loops: Loops) {
    this.candidate = candidate;
    this.#workplace = workplace;
    this.#places = places;
    const content: Content = group.content === 'any' ? 'json' : group.content;
    this.#content = contentBytes(content, places.length);
    this.#isValid = !content.startsWith('invalid');
    // Text that is unmasked many times has to stay text. A key of zeros does that, and no candidate has a short cut for it.
    this.#mask = group.op === 'unmaskText' ? NO_MASK : MASK;
    this.#key = this.#mask.readInt32LE();
    ({ subject: this.#subject, run: this.#run } = loops.of(candidate, group.cache));
    if (group.cache === 'cold') this.times = places.offsets.length;
  }

  /** Checks that the candidate is right, and puts the content where the candidate finds it. @throws WrongResult */
  prepare(): void {
    this.#tryOnce();
    this.#fill(this.#content);
  }

  /**
   * Finds how many calls make a batch. The code runs for a while before, because a new case may throw compiled code away. Disturbances
   * only make batches longer, so the greatest number of calls that was found is right.
   */
  calibrate(): void {
    const settled = performance.now() + SETTLE_MS;
    let most = 1;
    do {
      this.#calibrateNow();
      most = Math.max(most, this.times);
    } while (performance.now() < settled);
    this.times = most;
  }

  #calibrateNow(): void {
    for (this.times = 1; ; this.times *= 2) {
      const start = performance.now();
      this.batch();
      if (performance.now() - start >= BATCH_MS) return;
    }
  }

  /** One batch, which is measured. */
  batch(): void {
    const sum = this.#call(this.times, this.#mask);
    this.#batches++;
    this.#calls += this.times;
    if (this.candidate.op === 'unmask') return;
    const right = this.#isValid ? this.times : 0;
    if (sum !== right) throw new WrongResult(`${sum} of ${this.times} verdicts were "valid" and not ${right}`);
  }

  /** @throws WrongResult if the measured calls have left wrong bytes, or the candidate is wrong now */
  verify(isCold: boolean): void {
    const odd = (isCold ? this.#batches : this.#calls) % 2 === 1;
    const isMasked = this.candidate.op === 'unmask' && odd;
    if (this.candidate.landing !== 'scratch') {
      const expected = isMasked ? masked(this.#content) : this.#content;
      for (const range of this.#ranges()) expectBytes(range, expected);
    }
    this.#tryOnce();
  }

  /** One call with a real key. It finds a candidate that does nothing: after an even number of calls its bytes are right too. */
  #tryOnce(): void {
    const { op, landing } = this.candidate;
    this.#fill(op === 'validate' ? this.#content : masked(this.#content));
    const verdict = this.#call(1, MASK);
    if (op !== 'unmask' && verdict !== Number(this.#isValid)) throw new WrongResult('a verdict is wrong');
    const [first] = landing === 'scratch' ? [this.#workplace.scratch(this.#places.length)] : this.#ranges();
    expectBytes(first as Buffer, this.#content);
  }

  #fill(bytes: Buffer): void {
    for (const range of this.#ranges()) range.set(bytes);
  }

  /** The bytes that the candidate works on. */
  #ranges(): readonly Buffer[] {
    return this.candidate.landing === 'place' ? this.#places.views : this.#places.sources;
  }

  #call(times: number, mask: Buffer): number {
    const { length, offsets, views, sources } = this.#places;
    const key = mask === this.#mask ? this.#key : mask.readInt32LE();
    return this.#run(this.#subject, times, length, key, mask, offsets, views, sources);
  }
}

function expectBytes(bytes: Buffer, right: Buffer): void {
  if (!bytes.equals(right)) throw new WrongResult('the bytes are not what they should be');
}

function masked(clear: Buffer): Buffer {
  const bytes = Buffer.from(clear);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i] as number) ^ (MASK[i & 3] as number);
  return bytes;
}
