/** The candidates that every engine has, in a browser too: JavaScript, WebAssembly, and `TextDecoder`. */
import { JsByteKernel, JsWordKernel } from '#dist/kernels/js.js';
import { advance } from '#dist/kernels/utf8.js';
import { SIMD_BUILD, wasmKernel, wasmKernelOf, wasmScalarKernel } from '#dist/kernels/wasm.js';
import { BigIntLoop } from './bigint-loop.js';
import { type Candidate, kernelStep, kernelValidation, type Operation, type Step } from './candidate.js';
import {
  branchingClosure,
  EightWordLoop,
  eightWordClosure,
  fourBigIntClosure,
  viewClosure,
  WordLoop,
} from './js-loops.js';
import {
  byteLoopOfViews,
  dataViewOfViews,
  keptLongs,
  keptWords,
  longsOfViews,
  longsOver,
  type ViewUnmasker,
  wordsOfViews,
  wordsOver,
} from './view-loops.js';
import type { Workplace } from './workplace.js';

const jsByte = ({ memory }: Workplace) => new JsByteKernel(memory);
const js = ({ memory }: Workplace) => new JsWordKernel(memory);
const wasmScalar = ({ memory }: Workplace) => wasmScalarKernel(memory);
export const wasm = ({ memory }: Workplace) => wasmKernel(memory);

/** Unmasking in place. */
export const PORTABLE_MASKS: readonly Step[] = [
  kernelStep('js-byte', jsByte),
  kernelStep('js', js),
  kernelStep('js-words', ({ memory }) => new WordLoop(memory)),
  kernelStep('js-words-8', ({ memory }) => new EightWordLoop(memory)),
  kernelStep('js-words-8, closure', ({ memory }) => eightWordClosure(memory)),
  kernelStep('js-view-8', ({ memory }) => viewClosure(memory)),
  kernelStep('js-bigint', ({ memory }) => new BigIntLoop(memory)),
  kernelStep('js-bigint-4', ({ memory }) => fourBigIntClosure(memory)),
  kernelStep('wasm-scalar', wasmScalar),
  kernelStep('wasm', wasm),
];

const viewStep = (name: string, make: (workplace: Workplace) => ViewUnmasker): Step => ({
  name: `${name}, of a view`,
  landing: 'source',
  make,
  call: ({ subject, source }) => `${subject}.unmask(${source}, key)`,
});
const makingViews = (step: Step): Step => ({ ...step, allocates: true });

/** The one buffer that all ranges in ordinary memory lie in. */
const ordinary = (workplace: Workplace): ArrayBufferLike => (workplace.hot(1, 0).sources[0] as Uint8Array).buffer;

/** Unmasking by JavaScript of bytes in ordinary memory, where a socket that is read in the usual way leaves them. */
export const OF_VIEWS: readonly Step[] = [
  viewStep('js-byte', () => byteLoopOfViews),
  makingViews(viewStep('js-words-8', () => wordsOfViews)),
  makingViews(viewStep('js-view-8', () => dataViewOfViews)),
  makingViews(viewStep('js-bigint-4', () => longsOfViews)),
  viewStep('js-words-8, kept', keptWords),
  viewStep('js-bigint-4, kept', keptLongs),
  viewStep('js-words-8, closure', (workplace) => wordsOver(ordinary(workplace))),
  viewStep('js-bigint-4, closure', (workplace) => longsOver(ordinary(workplace))),
];

/** WASM for bytes in ordinary memory that are copied in. */
export const COPY_IN = 'wasm, copy in';

/** Unmasking by WASM of bytes in ordinary memory. */
export const COPYING: readonly Step[] = [
  {
    name: COPY_IN,
    landing: 'scratch',
    make: (workplace) => new CopyingKernel(workplace),
    call: ({ subject, source }) => `${subject}.copyIn(${source}, key)`,
  },
  {
    name: 'wasm, copy in and out',
    landing: 'source',
    allocates: true, // on some engines the copy out makes a view
    make: (workplace) => new CopyingKernel(workplace),
    call: ({ subject, source }) => `${subject}.copyInAndOut(${source}, key)`,
  },
];

/** The build that looks up tables as all engines with SIMD can. `wasm` is this one on engines without relaxed SIMD. */
export const PLAIN = 'wasm, not relaxed';

/** The kernel of one build of the module with SIMD. Without SIMD there is nothing to compare. */
export function buildOf(file: URL): Step['make'] {
  return ({ memory }) => {
    const kernel = wasmKernelOf(file, memory);
    if (kernel === undefined) throw new Error(`This engine does not have the instructions of ${file.pathname}.`);
    return kernel;
  };
}

export const PORTABLE_VALIDATORS: readonly Step[] = [
  {
    name: 'js-dfa',
    landing: 'place',
    make: ({ bytes }) => ({ advance, bytes }),
    call: ({ subject, offset }) => `(${subject}.advance(${subject}.bytes, ${offset}, ${offset} + length, 0) === 0)`,
  },
  kernelValidation('js', js),
  kernelValidation('js-words', ({ memory }) => new WordLoop(memory)),
  kernelValidation('js-branches', ({ memory }) => branchingClosure(memory)),
  {
    name: 'TextDecoder',
    landing: 'place',
    allocates: true,
    make: () => new DecodingValidator(),
    call: ({ subject, view }) => `${subject}.isValid(${view})`,
  },
  kernelValidation('wasm-scalar', wasmScalar),
  kernelValidation('wasm', wasm),
  kernelValidation(PLAIN, buildOf(SIMD_BUILD)),
  {
    name: COPY_IN,
    landing: 'scratch',
    make: (workplace) => new CopyingKernel(workplace),
    call: ({ subject, source }) => `${subject}.isValidCopy(${source})`,
  },
];

export const fused = (name: string, make: Step['make']): Step => ({
  name: `${name}, fused`,
  landing: 'place',
  make,
  call: ({ subject, offset }) => `(${subject}.unmaskText(${offset}, length, key, 0) === 0)`,
});

export const FUSED: readonly Step[] = [
  fused('js-byte', jsByte),
  fused('js', js),
  fused('wasm-scalar', wasmScalar),
  fused('wasm', wasm),
];

const STEPS: Readonly<Record<Operation, readonly Step[]>> = {
  unmask: [...PORTABLE_MASKS, ...OF_VIEWS, ...COPYING],
  validate: PORTABLE_VALIDATORS,
  unmaskText: FUSED,
};

/** The candidates of an operation that every engine has, in the order of tables. */
export function portableCandidates(op: Operation): readonly Candidate[] {
  return STEPS[op].map((step) => ({ op, ...step }));
}

/** Whether views of memory are Buffers: see ./bytes. */
const IS_BUFFER = typeof Buffer !== 'undefined';

class CopyingKernel {
  readonly #bytes: Uint8Array;
  readonly #scratch: number;
  readonly #unmask: (offset: number, length: number, key: number) => void;
  readonly #validate: (offset: number, length: number, state: number) => number;

  constructor({ memory, bytes, scratchOffset }: Workplace) {
    this.#bytes = bytes;
    this.#scratch = scratchOffset;
    const { unmask, validate } = wasmKernel(memory);
    this.#unmask = unmask;
    this.#validate = validate;
  }

  copyIn(source: Uint8Array, key: number): void {
    this.#bytes.set(source, this.#scratch);
    this.#unmask(this.#scratch, source.length, key);
  }

  isValidCopy(source: Uint8Array): boolean {
    this.#bytes.set(source, this.#scratch);
    return this.#validate(this.#scratch, source.length, 0) === 0;
  }

  copyInAndOut(source: Uint8Array, key: number): void {
    this.copyIn(source, key);
    const end = this.#scratch + source.length;
    // Node has a copy of its own, which servers call. Elsewhere there is only `set`.
    if (IS_BUFFER) (this.#bytes as Buffer).copy(source, 0, this.#scratch, end);
    else source.set(this.#bytes.subarray(this.#scratch, end));
  }
}

class DecodingValidator {
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });

  isValid(view: Uint8Array): boolean {
    try {
      this.#decoder.decode(view);
      return true;
    } catch {
      return false; // the text is invalid
    }
  }
}
