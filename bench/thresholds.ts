/**
 * Finds the sizes at which the kernels change places on this machine, and prints them as src/kernels/thresholds.ts wants
 * them: `node bench/dist/thresholds.js`, after a build of both. Takes less than a minute; wants a quiet machine.
 */
import { isUtf8 } from 'node:buffer';
import {
  AutoKernel,
  JsByteKernel,
  JsWordKernel,
  NativeKernel,
  type Thresholds,
  Utf8,
  wasmKernel,
  wasmScalarKernel,
} from './built.js';
import { TEXTS, type TextName, textBytes } from './texts.js';
import { type Batch, batch, nanoseconds } from './timing.js';

const PAGES = 128;
/** After one reserved page and the 6 bytes of a small frame's header: most payloads begin at such a place. */
const OFFSET = 65536 + 6;
const KEY = 0x3d21fa37;
const TEXT_NAMES = Object.keys(TEXTS) as TextName[];

const SMALL = [1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 48, 64];
const LARGE = [96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 16384, 65536, 262144];
const SIZES = [...SMALL, ...LARGE];

const NEVER = Number.POSITIVE_INFINITY;
const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
const bytes = Buffer.from(memory.buffer);
const wasm = wasmKernel(memory);
const native = new NativeKernel(memory, wasm);

/** An `auto` that always takes the same way: what the choice is about, with what it costs to choose. */
function autoBy(wasmFrom: number, nativeFrom: number): InstanceType<typeof AutoKernel> {
  return new AutoKernel(memory, wasm, native, {
    unmaskWasmFromBytes: wasmFrom,
    validateWasmFromBytes: wasmFrom,
    validateNativeFromBytes: nativeFrom,
    unmaskTextWasmFromBytes: wasmFrom,
    unmaskTextNativeFromBytes: nativeFrom,
  });
}

const CANDIDATES = [
  { name: 'js-byte', kernel: new JsByteKernel(memory) },
  { name: 'js', kernel: new JsWordKernel(memory) },
  { name: 'wasm-scalar', kernel: wasmScalarKernel(memory) },
  { name: 'wasm', kernel: wasm },
  { name: 'native', kernel: native },
  { name: 'auto: js', kernel: autoBy(NEVER, NEVER) },
  { name: 'auto: wasm', kernel: autoBy(0, NEVER) },
  { name: 'auto: native', kernel: autoBy(0, 0) },
];
const KERNELS = CANDIDATES.map(({ kernel }) => kernel);
const AUTO_JS = 5;
const AUTO_WASM = 6;
const AUTO_NATIVE = 7;

/** Nanoseconds per call at one size, a column per candidate. */
interface Row {
  readonly size: number;
  readonly cost: readonly number[];
}

function measure(operation: string, call: string, prepare: (size: number) => void): Row[] {
  const batches = KERNELS.map(() => batch(call));
  // A first pass, unmeasured, over the sizes: the optimizing compiler is to have seen all of them.
  for (const size of SIZES) {
    for (const [i, kernel] of KERNELS.entries()) (batches[i] as Batch)(kernel, 50, OFFSET, size);
  }
  const rows = SIZES.map((size) => {
    prepare(size);
    return { size, cost: nanoseconds(KERNELS, batches, OFFSET, size) };
  });
  print(operation, rows);
  return rows;
}

function print(title: string, rows: readonly Row[]): void {
  console.log(`\n${title}, ns per call`);
  console.log(['   bytes', ...CANDIDATES.map(({ name }) => name.padStart(13))].join(''));
  for (const { size, cost } of rows) {
    console.log([String(size).padStart(8), ...cost.map((ns) => ns.toFixed(1).padStart(13))].join(''));
  }
}

/**
 * The size from which on to take `larger` instead of `smaller`: the one with the least regret, which is the sum, over
 * all sizes, of how much more is paid than by the better of the two, in proportion. (One disturbed row does not move it.)
 */
function crossover(rows: readonly Row[], smaller: number, larger: number): number {
  const regret = (from: number) =>
    rows.reduce((sum, { size, cost }) => {
      const [a, b] = [cost[smaller] as number, cost[larger] as number];
      return sum + (size < from ? a : b) / Math.min(a, b);
    }, 0);
  return [...SIZES, NEVER].reduce((best, from) => (regret(from) < regret(best) ? from : best));
}

/**
 * What a text of unknown content costs: half of it ASCII, the rest the other scripts in equal parts. Servers carry more
 * JSON than prose, but a server for people who do not write in ASCII should not be slow for that.
 */
function expected(byText: ReadonlyMap<TextName, Row[]>): Row[] {
  const ascii = byText.get('ascii') as Row[];
  const others = TEXT_NAMES.filter((name) => name !== 'ascii').map((name) => byText.get(name) as Row[]);
  return ascii.map(({ size, cost }, row) => ({
    size,
    cost: cost.map((ns, kernel) => {
      const other = others.reduce((sum, rows) => sum + (rows[row]?.cost[kernel] as number), 0);
      return (ns + other / others.length) / 2;
    }),
  }));
}

function measureTexts(operation: string, call: string): Row[] {
  const byText = new Map<TextName, Row[]>();
  for (const name of TEXT_NAMES) {
    const rows = measure(`${operation}, ${name}`, call, (size) => bytes.set(textBytes(name, size), OFFSET));
    byText.set(name, rows);
  }
  const rows = expected(byText);
  print(`${operation}, expected`, rows);
  return rows;
}

/** A fast kernel that is wrong is not fast. */
function verify(): void {
  for (const { name: candidate, kernel } of CANDIDATES) {
    for (const size of SIZES) {
      const name = TEXT_NAMES[size % TEXT_NAMES.length] as TextName;
      const clear = textBytes(name, size);
      const masked = clear.map((byte, i) => byte ^ (KEY >>> ((i & 3) << 3)));
      const range = bytes.subarray(OFFSET, OFFSET + size);
      const expect = (what: string, right: boolean) => {
        if (!right) throw new Error(`${candidate}: ${what} of ${size} bytes of ${name} is wrong`);
      };
      range.set(masked);
      kernel.unmask(OFFSET, size, KEY);
      expect('unmask', range.equals(clear));
      expect('validate', isUtf8(clear) && kernel.validate(OFFSET, size, Utf8.ACCEPT) === Utf8.ACCEPT);
      range.set(masked);
      const state = kernel.unmaskText(OFFSET, size, KEY, Utf8.ACCEPT);
      expect('unmaskText', state === Utf8.ACCEPT && range.equals(clear));
      range[size >> 1] = 0xff;
      expect('validate', kernel.validate(OFFSET, size, Utf8.ACCEPT) === Utf8.REJECT);
    }
  }
}

verify();
const unmask = measure('unmask', `unmask(offset, length, ${KEY})`, () => {});
const validate = measureTexts('validate', 'validate(offset, length, 0)');
// A key of zeros: the text stays as it is from call to call, and no kernel looks at the key.
const unmaskText = measureTexts('unmaskText', 'unmaskText(offset, length, 0, 0)');
verify();
const thresholds: Thresholds = {
  unmaskWasmFromBytes: crossover(unmask, AUTO_JS, AUTO_WASM),
  validateWasmFromBytes: crossover(validate, AUTO_JS, AUTO_WASM),
  validateNativeFromBytes: crossover(validate, AUTO_WASM, AUTO_NATIVE),
  unmaskTextWasmFromBytes: crossover(unmaskText, AUTO_JS, AUTO_WASM),
  unmaskTextNativeFromBytes: crossover(unmaskText, AUTO_WASM, AUTO_NATIVE),
};
console.log(`\nEvery result was verified. The thresholds of this machine:\n${JSON.stringify(thresholds, null, 2)}`);
