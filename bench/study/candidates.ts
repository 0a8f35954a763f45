/**
 * Everything that the study measures: ways to unmask, to validate, and to do both. A candidate is code as text, so that it can be
 * compiled into a loop of its own. If candidates shared a loop, the engine could not optimize it for each of them.
 */
import { isUtf8 } from 'node:buffer';
import { existsSync } from 'node:fs';
import * as http from 'node:http';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { AutoKernel } from '#dist/kernels/auto.js';
import type { Kernel } from '#dist/kernels/kernel.js';
import { NativeKernel } from '#dist/kernels/native.js';
import { wasmKernel } from '#dist/kernels/wasm.js';
import { BENCH, COMPILED } from '../paths.js';
import { type Candidate, kernelStep, kernelValidation, type Operation, type Step } from './candidate.js';
import {
  buildOf,
  COPY_IN,
  COPYING,
  FUSED,
  fused,
  OF_VIEWS,
  PLAIN,
  PORTABLE_MASKS,
  PORTABLE_VALIDATORS,
  wasm,
} from './portable-candidates.js';
import type { Workplace } from './workplace.js';

export type { Candidate, Landing, Names, Operation } from './candidate.js';

const BUFFERUTIL = new URL('engines/node_modules/bufferutil/', BENCH);

/**
 * The native code of bufferutil. It is loaded as bufferutil loads it, but without what that falls back on: JavaScript, which the study must
 * not take for native code.
 * @returns undefined if it is not installed, or this engine cannot load it.
 */
function bufferutil(): object | undefined {
  try {
    return createRequire(new URL('package.json', BUFFERUTIL))('node-gyp-build')(fileURLToPath(BUFFERUTIL)) as object;
  } catch {
    return undefined; // whatever the reason is, it cannot be measured here
  }
}

/** The kernel that chooses by size. */
const AUTO = 'auto';

/** What Node itself has for this, from 26.12 on. */
const WEBSOCKET_UNMASK = 'websocketUnmask';
const hasWebsocketUnmask = () => WEBSOCKET_UNMASK in http;

const native = ({ memory }: Workplace) => new NativeKernel(memory, wasmKernel(memory).unmask);

/** It calls the kernels that are measured by themselves, as in a server: those of a second kind would be slower. */
const auto = (workplace: Workplace) => {
  const [ofWasm, ofNode] = [workplace.once(wasm), workplace.once(native)] as [Kernel, Kernel];
  return new AutoKernel(workplace.memory, ofWasm, ofNode);
};

/** Unmasking in place. */
const MASKS: readonly Step[] = [
  ...PORTABLE_MASKS,
  {
    name: 'bufferutil',
    landing: 'place',
    make: () => bufferutil() as object, // it is measured only if it is there
    call: ({ subject, view }) => `${subject}.unmask(${view}, mask)`,
  },
  {
    name: WEBSOCKET_UNMASK,
    landing: 'place',
    make: () => ({ [WEBSOCKET_UNMASK]: Reflect.get(http, WEBSOCKET_UNMASK) as unknown }),
    call: ({ subject, view }) => `${subject}.${WEBSOCKET_UNMASK}(${view}, mask)`,
  },
  kernelStep(AUTO, auto),
];

/** The same with its tables as constants of the code. `npm run build:bench` makes it. */
const CONSTANT_TABLES = 'wasm, constant tables';
const CONSTANT_TABLES_BUILD = new URL('kernels-constant-tables.wasm', COMPILED);

const VALIDATORS: readonly Step[] = [
  ...PORTABLE_VALIDATORS,
  kernelValidation(CONSTANT_TABLES, buildOf(CONSTANT_TABLES_BUILD)),
  {
    name: 'isUtf8',
    landing: 'place',
    make: () => ({ isUtf8 }),
    call: ({ subject, view }) => `${subject}.isUtf8(${view})`,
  },
  { ...kernelValidation('native', native), allocates: true },
  { ...kernelValidation(AUTO, auto), allocates: true },
];

/** Two candidates, one after the other, over the whole range. */
function sequence(mask: Step, validator: Step): Step {
  return {
    name: `${mask.name} + ${validator.name}`,
    landing: 'place',
    ...(mask.allocates === true || validator.allocates === true ? { allocates: true } : {}),
    make: (workplace) => ({ mask: workplace.once(mask.make), validator: workplace.once(validator.make) }),
    call: (names) => {
      const { subject } = names;
      const unmask = mask.call({ ...names, subject: `${subject}.mask` });
      const validate = validator.call({ ...names, subject: `${subject}.validator` });
      return `(${unmask}, ${validate})`;
    },
  };
}

/** The names of all candidates of an operation, in the order of tables. */
export function candidateNames(op: Operation): readonly string[] {
  return stepsOf(op).map(({ name }) => name);
}

/**
 * The candidates of an operation that can be measured: bufferutil may not be there, Node may be older than `websocketUnmask`, and a build
 * not made.
 */
export function candidatesOf(op: Operation): readonly Candidate[] {
  return stepsOf(op)
    .filter(({ name }) => !name.includes('bufferutil') || bufferutil() !== undefined)
    .filter(({ name }) => !name.includes(WEBSOCKET_UNMASK) || hasWebsocketUnmask())
    .filter(({ name }) => name !== CONSTANT_TABLES || existsSync(CONSTANT_TABLES_BUILD))
    .map((step) => ({ op, ...step }));
}

function stepsOf(op: Operation): readonly Step[] {
  if (op === 'unmask') return [...MASKS, ...OF_VIEWS, ...COPYING];
  return op === 'validate' ? VALIDATORS : [...FUSED, { ...fused(AUTO, auto), allocates: true }, ...sequences()];
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
  COPY_IN,
  AUTO,
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
