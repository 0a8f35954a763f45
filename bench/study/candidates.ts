/**
 * Everything that the study measures: ways to unmask, to validate, and to do both. A candidate is code as text, so that it can be
 * compiled into a loop of its own. If candidates shared a loop, the engine could not optimize it for each of them.
 */
import { isUtf8 } from 'node:buffer';
import { existsSync } from 'node:fs';
import * as http from 'node:http';
import { createRequire } from 'node:module';
import { JsByteKernel, JsWordKernel } from '#dist/kernels/js.js';
import { NativeKernel } from '#dist/kernels/native.js';
import { advance } from '#dist/kernels/utf8.js';
import { SIMD_BUILD, wasmKernel, wasmKernelOf, wasmScalarKernel } from '#dist/kernels/wasm.js';
import { BENCH, COMPILED } from '../paths.js';
import { BigIntLoop } from './bigint-loop.js';
import {
  branchingClosure,
  EightWordLoop,
  eightWordClosure,
  fourBigIntClosure,
  viewClosure,
  WordLoop,
} from './js-loops.js';
import type { Workplace } from './workplace.js';

export type Operation = 'unmask' | 'validate' | 'unmaskText';

/** The names of what a candidate may use. Beside these there are `length`, `key` (an int32) and `mask` (the same as four bytes). */
export interface Names {
  readonly subject: string;
  readonly offset: string;
  readonly view: string;
  /** The range in ordinary memory. */
  readonly source: string;
}

/** Where a candidate leaves the unmasked bytes: in place, elsewhere in WASM memory, or where they were in ordinary memory. */
export type Landing = 'place' | 'scratch' | 'source';

export interface Candidate {
  readonly op: Operation;
  readonly name: string;
  readonly landing: Landing;
  /** Makes what it needs, once per process. */
  make(workplace: Workplace): object;
  /** An expression that runs it once. If it validates, its value is 1 for valid text and 0 for invalid text. */
  call(names: Names): string;
}

type Step = Omit<Candidate, 'op'>;

const kernelStep = (name: string, make: Step['make']): Step => ({
  name,
  landing: 'place',
  make,
  call: ({ subject, offset }) => `${subject}.unmask(${offset}, length, key)`,
});

const jsByte = ({ memory }: Workplace) => new JsByteKernel(memory);
const js = ({ memory }: Workplace) => new JsWordKernel(memory);
const wasmScalar = ({ memory }: Workplace) => wasmScalarKernel(memory);
const wasm = ({ memory }: Workplace) => wasmKernel(memory);

const BUFFERUTIL = new URL('engines/node_modules/bufferutil/', BENCH);
const hasBufferutil = () => existsSync(new URL('package.json', BUFFERUTIL));

/** What Node itself has for this, from 26.12 on. */
const WEBSOCKET_UNMASK = 'websocketUnmask';
const hasWebsocketUnmask = () => WEBSOCKET_UNMASK in http;

/** Unmasking in place. */
const MASKS: readonly Step[] = [
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
  {
    name: 'bufferutil',
    landing: 'place',
    make: () => createRequire(new URL('package.json', BUFFERUTIL))('bufferutil') as object,
    call: ({ subject, view }) => `${subject}.unmask(${view}, mask)`,
  },
  {
    name: WEBSOCKET_UNMASK,
    landing: 'place',
    make: () => ({ [WEBSOCKET_UNMASK]: Reflect.get(http, WEBSOCKET_UNMASK) as unknown }),
    call: ({ subject, view }) => `${subject}.${WEBSOCKET_UNMASK}(${view}, mask)`,
  },
];

/** Unmasking by WASM of bytes in ordinary memory, where a socket that is read in the usual way leaves them. */
const COPYING: readonly Step[] = [
  {
    name: 'wasm, copy in',
    landing: 'scratch',
    make: (workplace) => new CopyingKernel(workplace),
    call: ({ subject, source }) => `${subject}.copyIn(${source}, key)`,
  },
  {
    name: 'wasm, copy in and out',
    landing: 'source',
    make: (workplace) => new CopyingKernel(workplace),
    call: ({ subject, source }) => `${subject}.copyInAndOut(${source}, key)`,
  },
];

const kernelValidation = (name: string, make: Step['make']): Step => ({
  name,
  landing: 'place',
  make,
  call: ({ subject, offset }) => `(${subject}.validate(${offset}, length, 0) === 0)`,
});

/** The build that looks up tables as all engines with SIMD can. `wasm` is this one on engines without relaxed SIMD. */
const PLAIN = 'wasm, not relaxed';

/** The same with its tables as constants of the code. `npm run build:bench` makes it. */
const CONSTANT_TABLES = 'wasm, constant tables';
const CONSTANT_TABLES_BUILD = new URL('kernels-constant-tables.wasm', COMPILED);

/** The kernel of one build of the module with SIMD. Without SIMD there is nothing to compare. */
function buildOf(file: URL): Step['make'] {
  return ({ memory }) => {
    const kernel = wasmKernelOf(file, memory);
    if (kernel === undefined) throw new Error(`This engine does not have the instructions of ${file.pathname}.`);
    return kernel;
  };
}

const VALIDATORS: readonly Step[] = [
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
    make: () => new DecodingValidator(),
    call: ({ subject, view }) => `${subject}.isValid(${view})`,
  },
  kernelValidation('wasm-scalar', wasmScalar),
  kernelValidation('wasm', wasm),
  kernelValidation(PLAIN, buildOf(SIMD_BUILD)),
  kernelValidation(CONSTANT_TABLES, buildOf(CONSTANT_TABLES_BUILD)),
  {
    name: 'isUtf8',
    landing: 'place',
    make: () => ({ isUtf8 }),
    call: ({ subject, view }) => `${subject}.isUtf8(${view})`,
  },
  kernelValidation('native', ({ memory }) => new NativeKernel(memory, wasmKernel(memory).unmask)),
];

const fused = (name: string, make: Step['make']): Step => ({
  name: `${name}, fused`,
  landing: 'place',
  make,
  call: ({ subject, offset }) => `(${subject}.unmaskText(${offset}, length, key, 0) === 0)`,
});

const FUSED: readonly Step[] = [
  fused('js-byte', jsByte),
  fused('js', js),
  fused('wasm-scalar', wasmScalar),
  fused('wasm', wasm),
];

/** Two candidates, one after the other, over the whole range. */
function sequence(mask: Step, validator: Step): Step {
  return {
    name: `${mask.name} + ${validator.name}`,
    landing: 'place',
    make: (workplace) => ({ mask: workplace.once(mask.make), validator: workplace.once(validator.make) }),
    call: (names) => {
      const { subject } = names;
      const unmask = mask.call({ ...names, subject: `${subject}.mask` });
      const validate = validator.call({ ...names, subject: `${subject}.validator` });
      return `(${unmask}, ${validate})`;
    },
  };
}

class CopyingKernel {
  readonly #bytes: Buffer;
  readonly #scratch: number;
  readonly #unmask: (offset: number, length: number, key: number) => void;

  constructor({ memory, bytes, scratchOffset }: Workplace) {
    this.#bytes = bytes;
    this.#scratch = scratchOffset;
    this.#unmask = wasmKernel(memory).unmask;
  }

  copyIn(source: Buffer, key: number): void {
    this.#bytes.set(source, this.#scratch);
    this.#unmask(this.#scratch, source.length, key);
  }

  copyInAndOut(source: Buffer, key: number): void {
    this.copyIn(source, key);
    this.#bytes.copy(source, 0, this.#scratch, this.#scratch + source.length);
  }
}

class DecodingValidator {
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });

  isValid(view: Buffer): boolean {
    try {
      this.#decoder.decode(view);
      return true;
    } catch {
      return false; // the text is invalid
    }
  }
}

/** The names of all candidates of an operation, in the order of tables. */
export function candidateNames(op: Operation): readonly string[] {
  return stepsOf(op).map(({ name }) => name);
}

/** The candidates of an operation that can be measured: bufferutil may not be installed, Node may be
 * older than `websocketUnmask`, and a build not made. */
export function candidatesOf(op: Operation): readonly Candidate[] {
  return stepsOf(op)
    .filter(({ name }) => !name.includes('bufferutil') || hasBufferutil())
    .filter(({ name }) => !name.includes(WEBSOCKET_UNMASK) || hasWebsocketUnmask())
    .filter(({ name }) => name !== CONSTANT_TABLES || existsSync(CONSTANT_TABLES_BUILD))
    .map((step) => ({ op, ...step }));
}

function stepsOf(op: Operation): readonly Step[] {
  if (op === 'unmask') return [...MASKS, ...COPYING];
  return op === 'validate' ? VALIDATORS : [...FUSED, ...sequences()];
}

/** What is there to be compared with its neighbours only: pairs of these would say nothing more, and take hours. */
const LESSONS = new Set([
  'js-words',
  'js-words-8',
  'js-words-8, closure',
  'js-view-8',
  'js-bigint-4',
  'js-branches',
  PLAIN,
  CONSTANT_TABLES,
]);

function sequences(): Step[] {
  const isServers = ({ name }: Step) => !LESSONS.has(name);
  // Who unmasks by Node validates by Node: both take views of bytes that lie anywhere.
  const isSaid = (mask: Step, validator: Step) => mask.name !== WEBSOCKET_UNMASK || validator.name === 'isUtf8';
  return MASKS.filter(isServers).flatMap((mask) =>
    VALIDATORS.filter((validator) => isServers(validator) && isSaid(mask, validator)).map((validator) =>
      sequence(mask, validator),
    ),
  );
}
