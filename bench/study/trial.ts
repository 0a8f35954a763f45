import { CONTENTS, type Content, contentBytes } from '#dist/study/texts.js';
import { areEqual, viewOf } from './bytes.js';
import type { Candidate } from './candidate.js';
import type { Pattern } from './case.js';
import { type Group, USUAL_ALIGNMENT } from './design.js';
import { MANY_TEXTS, MAX_PLACES, type Places, type Workplace } from './workplace.js';

/** A masking key of four different bytes, in the order in which they are applied, and as kernels want it. */
const MASK = viewOf(Uint8Array.of(0x37, 0xfa, 0x21, 0x3d).buffer);
const KEY = int32Of(MASK);
const NO_MASK = viewOf(new ArrayBuffer(4));

/** A batch that lasts this part of its time says how many calls make a whole one, even by a clock that moves in steps. */
const FORESIGHT = 1 / 8;
/** How many calls more than that are made: the next batch may be a little faster. */
const MARGIN = 1.05;

/** In ms, from any origin. */
export type Clock = () => number;

/** How a candidate is measured in time, in ms. */
export interface Pace {
  readonly warmUp: WarmUp;
  /**
   * About how long a batch of calls lasts: long compared to a call of the clock and to its step, short compared to disturbances.
   */
  readonly batchMs: number;
}

/** How long code runs before it is measured, in ms. */
export interface WarmUp {
  /** Each loop, with all contents and several sizes in turns. */
  readonly loopMs: number;
  /** Each case. */
  readonly caseMs: number;
}

/** `sum` is the sum of the results of the calls. */
type Loop = (
  subject: object,
  times: number,
  length: number,
  key: number,
  mask: Uint8Array,
  offsets: readonly number[],
  views: readonly Uint8Array[],
  sources: readonly Uint8Array[],
  zero: number,
) => number;

/** The loops of a process: one for each candidate and pattern. So each loop has seen all contents, and no other candidate. */
export class Loops {
  readonly clock: Clock;
  readonly pace: Pace;
  readonly #form: number;
  readonly #workplace: Workplace;
  readonly #made = new Map<string, Made>();
  readonly #shapes = new Map<Pattern, readonly Shape[]>();
  #last: { readonly name: string; readonly contents: Contents } | undefined;

  /** @param form which kind of loop: see {@link FORMS} */
  constructor(workplace: Workplace, pace: Pace, clock: Clock, form: number) {
    this.#form = form;
    this.#workplace = workplace;
    this.pace = pace;
    this.clock = clock;
  }

  /** The last contents are kept: the candidates of a group come one after the other. */
  contents(content: Content, length: number, pattern: Pattern): Contents {
    const name = `${content} ${length} ${pattern}`;
    if (this.#last?.name !== name) {
      const clear = contentsOf(content, length, pattern);
      this.#last = { name, contents: { clear, masked: clear.map(masked) } };
    }
    return this.#last.contents;
  }

  of(candidate: Candidate, pattern: Pattern): Made {
    const name = `${candidate.op} ${candidate.name} ${pattern}`;
    const known = this.#made.get(name);
    if (known !== undefined) return known;
    const made: Made = {
      subject: this.#workplace.once(candidate.make),
      run: loop(candidate, pattern, this.#form),
      isNew: true,
    };
    this.#made.set(name, made);
    this.#warmUp(made, pattern);
    return made;
  }

  #shapesOf(pattern: Pattern): readonly Shape[] {
    const known = this.#shapes.get(pattern);
    if (known !== undefined) return known;
    const shapes = WARM_UP_SHAPES.map(([content, size]) => ({
      content: contentBytes(content, size),
      places:
        pattern === 'many'
          ? this.#workplace.many(size, USUAL_ALIGNMENT, MAX_PLACES)
          : this.#workplace[pattern](size, USUAL_ALIGNMENT),
    }));
    this.#shapes.set(pattern, shapes);
    return shapes;
  }

  /**
   * Warms up with all that will come, in turns: code that meets something new in the middle of a turn is thrown away, and takes many
   * times as long until it is compiled again.
   */
  #warmUp({ subject, run }: Made, pattern: Pattern): void {
    const shapes = this.#shapesOf(pattern);
    const end = this.clock() + this.pace.warmUp.loopMs;
    while (this.clock() < end) {
      for (const { content, places } of shapes) {
        const { length, offsets, views, sources } = places;
        for (const place of [...views, ...sources]) place.set(content);
        const until = this.clock() + SLICE_MS;
        do run(subject, offsets.length, length, KEY, MASK, offsets, views, sources, 0);
        while (this.clock() < until);
      }
    }
  }
}

/** What a loop warms up with. */
interface Shape {
  readonly content: Uint8Array;
  readonly places: Places;
}

/** Every content, and sizes for which candidates have ways of their own. */
const WARM_UP_SHAPES: readonly (readonly [Content, number])[] = [
  ...CONTENTS.map((content) => [content, 1024] as const),
  ...[4, 16, 64, 125, 256, 4096].flatMap((size) => [['json', size] as const, ['ascii', size] as const]),
];
/** How long each of these runs at a time, in ms. */
const SLICE_MS = 0.3;

interface Made {
  readonly subject: object;
  readonly run: Loop;
  /** Whether no case was measured with it yet. */
  isNew: boolean;
}

/** Which range a call takes. `zero` is 0, which the engine does not know: so `sum & zero` waits for the call before. */
const INDEX: Readonly<Record<Pattern, string>> = { hot: '0', cold: 'i', many: 'i', latency: 'sum & zero' };

function loop(candidate: Candidate, pattern: Pattern, form: number): Loop {
  const [offset, view, source] = ['offsets', 'views', 'sources'].map((of) => `${of}[${INDEX[pattern]}]`) as [
    string,
    string,
    string,
  ];
  const call = candidate.call({ subject: 'subject', offset, view, source });
  // Unmasking returns nothing. What the next call waits for is the last byte that it has written.
  const written = candidate.landing === 'source' ? 'sources' : 'views';
  const looked = candidate.landing === 'place' ? 'views' : 'sources';
  const isWaitedFor = pattern === 'latency' && candidate.op === 'unmask';
  // Where each call has another range, all candidates read an object for it: a view has to be fetched, too, and offsets would be cheaper.
  const first = pattern === 'cold' || pattern === 'many' ? `length = ${looked}[i].length, ` : '';
  const expression = isWaitedFor ? `(${call}, ${written}[0][length - 1])` : `(${first}${call})`;
  return compiled(expression, form);
}

/**
 * The same code takes up to 1.6 times as long by what is around it: where a loop of few instructions lies decides, and every change of its
 * caller moves it. So the rounds of a study compile three kinds of loops in turn, and a candidate for which that matters is not steady.
 */
const FORMS = [
  'for (let i = 0; i < times; i++)',
  'for (let i = times; i-- > 0; )',
  'if (length < 0) sum = times; for (let i = 0; i < times; i++)',
];

let loops = 0;

/** Each loop has a source of its own, which a number makes different: loops of the same source would share what they learn of types. */
function compiled(expression: string, form: number): Loop {
  const parameters = ['subject', 'times', 'length', 'key', 'mask', 'offsets', 'views', 'sources', 'zero'];
  const head = FORMS[form % FORMS.length];
  return new Function(
    ...parameters,
    `/* ${loops++} */ let sum = 0; ${head} sum += ${expression} | 0; return sum;`,
  ) as Loop;
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
  readonly #pattern: Pattern;
  readonly #contents: Contents;
  readonly #isValid: boolean;
  readonly #key: number;
  readonly #mask: Uint8Array;
  readonly #made: Made;
  readonly #loops: Loops;
  /** How many calls a batch has. In a cold case each call visits another place. */
  times = 1;
  #batches = 0;
  #calls = 0;

  constructor(candidate: Candidate, group: Group, places: Places, workplace: Workplace, loops: Loops) {
    this.candidate = candidate;
    this.#workplace = workplace;
    this.#places = places;
    const content: Content = group.content === 'any' ? 'json' : group.content;
    this.#pattern = group.pattern;
    this.#loops = loops;
    this.#contents = loops.contents(content, places.length, group.pattern);
    this.#isValid = !content.startsWith('invalid');
    // Text that is unmasked many times has to stay text. A key of zeros does that, and no candidate has a short cut for it.
    this.#mask = group.op === 'unmaskText' ? NO_MASK : MASK;
    this.#key = int32Of(this.#mask);
    this.#made = loops.of(candidate, group.pattern);
    if (group.pattern === 'cold') this.times = places.offsets.length;
  }

  /** Checks that the candidate is right, and puts the content where the candidate finds it. @throws WrongResult */
  prepare(): void {
    this.#tryOnce();
    this.#fill(this.#contents.clear);
  }

  /**
   * Finds how many calls make a batch. The code runs for a while before, because a new case may throw compiled code away. Disturbances
   * only make batches longer, so the greatest number of calls that was found is right.
   */
  calibrate(): void {
    const { clock, pace } = this.#loops;
    // What the engine still compiles after the warm-up falls into one batch or another, but it would fall into a whole stretch of batches.
    const { allocates } = this.candidate;
    const { caseMs, loopMs } = pace.warmUp;
    const settled = clock() + caseMs + (allocates === true && this.#made.isNew ? loopMs : 0);
    this.#made.isNew = false;
    let most = 1;
    do {
      this.#calibrateNow();
      most = Math.max(most, this.times);
    } while (clock() < settled);
    this.times = most;
  }

  #calibrateNow(): void {
    const {
      clock,
      pace: { batchMs },
    } = this.#loops;
    // Where there are many texts, each batch meets all of them.
    const { length: texts } = this.#places.offsets;
    const [least, most] = this.#pattern === 'many' ? [texts, texts] : [1, Number.POSITIVE_INFINITY];
    for (this.times = least; ; ) {
      const start = clock();
      this.batch();
      const ms = clock() - start;
      const times = ms >= batchMs * FORESIGHT ? Math.ceil((this.times * MARGIN * batchMs) / ms) : this.times * 2;
      if (ms >= batchMs || times > most) return;
      this.times = times;
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
  verify(): void {
    const odd = (this.#pattern === 'cold' ? this.#batches : this.#calls) % 2 === 1;
    const isMasked = this.candidate.op === 'unmask' && odd;
    if (this.candidate.landing !== 'scratch') {
      const expected = isMasked ? this.#contents.masked : this.#contents.clear;
      for (const [i, range] of this.#ranges().entries()) expectBytes(range, at(expected, i));
    }
    this.#tryOnce();
  }

  /** One call with a real key. It finds a candidate that does nothing: after an even number of calls its bytes are right too. */
  #tryOnce(): void {
    const { op, landing } = this.candidate;
    this.#fill(op === 'validate' ? this.#contents.clear : this.#contents.masked);
    const verdict = this.#call(1, MASK);
    if (op !== 'unmask' && verdict !== Number(this.#isValid)) throw new WrongResult('a verdict is wrong');
    const [first] = landing === 'scratch' ? [this.#workplace.scratch(this.#places.length)] : this.#ranges();
    expectBytes(first as Uint8Array, at(this.#contents.clear, 0));
  }

  #fill(contents: readonly Uint8Array[]): void {
    for (const [i, range] of this.#ranges().entries()) range.set(at(contents, i));
  }

  /** The bytes that the candidate works on. */
  #ranges(): readonly Uint8Array[] {
    const { views, sources } = this.#places;
    return this.candidate.landing === 'place' ? views : sources;
  }

  #call(times: number, mask: Uint8Array): number {
    const { length, offsets, views, sources } = this.#places;
    const key = mask === this.#mask ? this.#key : int32Of(mask);
    const { subject, run } = this.#made;
    return run(subject, times, length, key, mask, offsets, views, sources, 0);
  }
}

/** The content of each range, or of one range if all have the same. */
interface Contents {
  readonly clear: readonly Uint8Array[];
  readonly masked: readonly Uint8Array[];
}

/** Many different texts are cut out of one long text: the words of the usual one, in an order that no two of them share. */
function contentsOf(content: Content, length: number, pattern: Pattern): Uint8Array[] {
  if (pattern !== 'many') return [contentBytes(content, length)];
  const words = new TextDecoder()
    .decode(contentBytes(content, WORDS_BYTES))
    .trimEnd()
    .split(/(?<=[ ,:])/);
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return words[(state >>> 8) % words.length] as string;
  };
  return Array.from({ length: MANY_TEXTS }, () => {
    let text = '';
    while (text.length < length) text += next();
    return textOfLength(new TextEncoder().encode(text), length);
  });
}

/** As much text as has all of its words in it. */
const WORDS_BYTES = 512;
const SPACE = 0x20;

/** The first characters of a text, as many as have room, and spaces behind them. */
function textOfLength(text: Uint8Array, length: number): Uint8Array {
  let end = length;
  while (end > 0 && ((text[end] as number) & 0xc0) === 0x80) end--;
  const bytes = new Uint8Array(length).fill(SPACE);
  bytes.set(text.subarray(0, end));
  return bytes;
}

/** The content of the range: there is one for each, or one for all. */
function at(contents: readonly Uint8Array[], i: number): Uint8Array {
  return (contents.length === 1 ? contents[0] : contents[i]) as Uint8Array;
}

function expectBytes(bytes: Uint8Array, right: Uint8Array): void {
  if (!areEqual(bytes, right)) throw new WrongResult('the bytes are not what they should be');
}

function masked(clear: Uint8Array): Uint8Array {
  const bytes = clear.slice();
  for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i] as number) ^ (MASK[i & 3] as number);
  return bytes;
}

/** The four bytes of a mask as kernels want them: an int32. */
function int32Of(mask: Uint8Array): number {
  return new DataView(mask.buffer, mask.byteOffset).getInt32(0, true);
}
