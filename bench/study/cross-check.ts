/**
 * Some figures of the study, measured a second time in the plainest way. It shares nothing with the harness except the kernels and the
 * texts. Each call below gets two loops of its own, which are warmed up and then timed again and again: `node cross-check.js CACHE_BYTES`
 * prints nanoseconds per call by each of the two loops, as JSON.
 */
import { isUtf8 } from 'node:buffer';
import { JsWordKernel } from '#dist/kernels/js.js';
import { NativeKernel } from '#dist/kernels/native.js';
import { wasmKernel, wasmScalarKernel } from '#dist/kernels/wasm.js';
import { TEXTS, textBytes } from '#dist/study/texts.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const memory = new WebAssembly.Memory({ initial: 80 * 16, maximum: 80 * 16 });
const bytes = Buffer.from(memory.buffer);
/** What is written between cold visits: twice the size of the last cache. */
const others = new Uint8Array(2 * Number(process.argv[2]));

const wasm = wasmKernel(memory);
const things = {
  js: new JsWordKernel(memory),
  wasm,
  scalar: wasmScalarKernel(memory),
  native: new NativeKernel(memory, wasm.unmask),
  isUtf8,
  bytes,
  outside: Buffer.alloc(128).subarray(6, 6 + 64),
  KEY: 0x3d21fa37,
};
const values = Object.values(things);

/** Where ranges begin: 6 bytes behind a multiple of 64, and the static data of the modules is in front. */
const FIRST = 128 * KIB + 6;

/** One place, again and again. */
const hot = () => [FIRST];
/** Up to 256 places, far apart and in no order, that are visited once after other bytes have filled the caches. */
function cold(length: number): number[] {
  const distance = length + 4288;
  return shuffled(
    Array.from({ length: Math.min(256, Math.floor((64 * MIB) / distance)) }, (_, i) => FIRST + i * distance),
  );
}
/** 4096 places close together, in no order, each with a text of its own. */
function many(length: number): number[] {
  return shuffled(Array.from({ length: 4096 }, (_, i) => FIRST + i * (64 * Math.ceil(length / 64) + 64)));
}

let seed = 1;
function random(below: number): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((seed / 2 ** 32) * below);
}
function shuffled(places: number[]): number[] {
  for (let i = places.length - 1; i > 0; i--) {
    const j = random(i + 1);
    [places[i], places[j]] = [places[j] as number, places[i] as number];
  }
  return places;
}

/** The words of the JSON in another order each time. */
function otherText(length: number): Uint8Array {
  const words = TEXTS.json.split(/(?<=[ ,:])/);
  let text = '';
  while (Buffer.byteLength(text) < length) text += words[random(words.length)];
  const whole = Buffer.from(text);
  let end = length;
  while (end > 0 && ((whole[end] ?? 0) & 0xc0) === 0x80) end--; // no character is cut
  return Buffer.alloc(length, ' ').fill(whole.subarray(0, end), 0, end);
}

const PLACES = { hot, cold, many } as const;

/**
 * The calls, by the names of the cases in the results. `at` is where a range begins, and `view` is the range. A call that validates is 0
 * for valid text. `long`: the call leaves something to the collector, and its batches are so long that this comes in each.
 */
const CALLS: Readonly<Record<string, readonly [call: string, duration?: keyof typeof BATCH_MS]>> = {
  'unmask js any 1024 6 hot': ['js.unmask(at, length, KEY)'],
  'unmask js any 65536 6 hot': ['js.unmask(at, length, KEY)'],
  'unmask wasm-scalar any 1024 6 hot': ['scalar.unmask(at, length, KEY)'],
  'unmask wasm any 1024 6 hot': ['wasm.unmask(at, length, KEY)'],
  'unmask wasm any 65536 6 hot': ['wasm.unmask(at, length, KEY)'],
  'unmask wasm, copy in and out any 64 6 hot': [
    '(bytes.set(outside, at), wasm.unmask(at, length, KEY), bytes.copy(outside, 0, at, at + length))',
    'long',
  ],
  'validate js ascii 1024 6 hot': ['js.validate(at, length, 0)'],
  'validate wasm ascii 1024 6 hot': ['wasm.validate(at, length, 0)'],
  'validate wasm json 65536 6 hot': ['wasm.validate(at, length, 0)'],
  'validate isUtf8 ascii 1024 6 hot': ['(isUtf8(view) ? 0 : 1)'],
  'validate native json 1024 6 hot': ['native.validate(at, length, 0)', 'long'],
  'unmaskText wasm, fused json 1024 6 hot': ['wasm.unmaskText(at, length, 0, 0)'],
  'unmaskText js, fused ascii 1024 6 hot': ['js.unmaskText(at, length, 0, 0)'],
  'unmask js any 262144 6 cold': ['js.unmask(at, length, KEY)'],
  'validate js json 262144 6 cold': ['js.validate(at, length, 0)'],
  'validate wasm json 262144 6 cold': ['wasm.validate(at, length, 0)'],
  'validate js json 125 6 many': ['js.validate(at, length, 0)'],
  'validate wasm json 125 6 many': ['wasm.validate(at, length, 0)'],
  'validate isUtf8 json 125 6 many': ['(isUtf8(view) ? 0 : 1)'],
};

/**
 * The same code is faster or slower by what is around it. So each call gets these two loops. The better one is compared with the study,
 * whose lower quartile is also from the better ones of its three kinds of loops. Each call looks up its place, and its view, which has the
 * length: as the study does where there are several.
 */
const VISIT = 'const at = places[i], view = views[i], length = view.length;';
const FORMS = [
  (call: string) => `let valid = 0;
    for (let i = 0; i < calls; i++) { ${VISIT} if (${call} === 0) valid++; } return valid;`,
  (call: string) => `{ const { ${Object.keys(things)} } = things; let valid = 0;
    for (let i = calls - 1; i >= 0; i--) { ${VISIT} if (${call} === 0) valid++; } return valid; }`,
];
/** The same with one place: the arithmetic for several would take as long as a short call. */
const HOT_FORMS = FORMS.map(
  (form) => (call: string) =>
    `const at = places[0], view = views[0], length = view.length; ${form(call).replace(VISIT, '')}`,
);

const WARM_UP_MS = 100;
const MEASURE_MS = 400;
const BATCH_MS = { short: 1, long: 20 } as const;

type Loop = (...args: unknown[]) => number;

/** Nanoseconds per call, in each batch. */
function batches(
  loop: Loop,
  isCold: boolean,
  batchMs: number,
  places: readonly number[],
  views: readonly Uint8Array[],
  right: (calls: number) => number,
): number[] {
  const ms = (calls: number) => {
    if (isCold) for (let at = 0; at < others.length; at += 64) others[at] = (others[at] as number) + 1;
    const start = performance.now();
    const valid = loop(...values, things, places, views, calls);
    const end = performance.now();
    if (valid !== right(calls)) throw new Error(`${valid} of ${calls} are valid`);
    return end - start;
  };
  // Where there are several places, a batch visits all of them.
  let calls = places.length;
  for (const end = performance.now() + WARM_UP_MS; performance.now() < end; ) ms(calls);
  if (calls === 1) while (ms(calls) < batchMs) calls *= 2;
  const samples: number[] = [];
  for (const end = performance.now() + MEASURE_MS; performance.now() < end; ) samples.push((ms(calls) * 1e6) / calls);
  return samples;
}

// Like those of a server, the validators have met text that is not ASCII before.
bytes.set(textBytes('json', 65536), FIRST);
for (const kernel of [things.js, things.wasm, things.native])
  for (let i = 0; i < 10_000; i++) kernel.validate(FIRST, 256 + (i & 63), 0);

const figures = Object.entries(CALLS).map(([name, [call, duration = 'short' as const]]) => {
  const [op, , content, size, , pattern] = /^(\w+) (.*) (\w+) (\d+) (\d) (\w+)$/.exec(name)?.slice(1) ?? [];
  const length = Number(size);
  const places = PLACES[pattern as keyof typeof PLACES](length);
  const views = places.map((at) => bytes.subarray(at, at + length));
  const same = textBytes(content === 'ascii' ? 'ascii' : 'json', length);
  for (const view of views) view.set(pattern === 'many' ? otherText(length) : same);
  const forms = pattern === 'hot' ? HOT_FORMS : FORMS;
  const right = (calls: number) => (op === 'unmask' ? 0 : calls);
  const quartiles = forms.map((form) => {
    const loop = new Function(...Object.keys(things), 'things', 'places', 'views', 'calls', form(call)) as Loop;
    const samples = batches(loop, pattern === 'cold', BATCH_MS[duration], places, views, right).sort(
      (one, other) => one - other,
    );
    return samples[samples.length >> 2] as number;
  });
  return [name, quartiles];
});
process.stdout.write(`${JSON.stringify(Object.fromEntries(figures))}\n`);
