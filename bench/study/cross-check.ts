/**
 * Ten figures of the study, measured a second time in the plainest way. It shares nothing with the harness except the kernels and the
 * texts. Each call below gets two loops of its own, which are warmed up and then timed again and again. The figure of a loop is the lower
 * quartile of these times. `node cross-check.js` prints nanoseconds per call by each of the two loops, as JSON.
 */
import { isUtf8 } from 'node:buffer';
import { JsByteKernel, JsWordKernel } from '#dist/kernels/js.js';
import { wasmKernel, wasmScalarKernel } from '#dist/kernels/wasm.js';
import { textBytes } from '#dist/study/texts.js';

/** 6 bytes behind a multiple of 8, behind the static data of the modules. The texts lie further on. */
const AT = 65536 + 6;
const ASCII = 4 * 65536 + 6;
const JSON64 = 6 * 65536 + 6;
const memory = new WebAssembly.Memory({ initial: 8 });
const bytes = Buffer.from(memory.buffer);
bytes.set(textBytes('ascii', 1024), ASCII);
bytes.set(textBytes('json', 65536), JSON64);

const things = {
  js: new JsWordKernel(memory),
  jsByte: new JsByteKernel(memory),
  wasm: wasmKernel(memory),
  scalar: wasmScalarKernel(memory),
  isUtf8,
  view: bytes.subarray(ASCII, ASCII + 1024),
  bytes,
  outside: Buffer.alloc(128).subarray(6, 6 + 64),
  ...{ AT, ASCII, JSON64, KEY: 0x3d21fa37 },
};

const values = Object.values(things);

// Like those of a server, the validators have met text that is not ASCII before.
for (const kernel of [things.js, things.wasm])
  for (let i = 0; i < 10_000; i++) kernel.validate(JSON64, 256 + (i & 63), 0);

/** The cases, by their names in the results: the length of the range, and the call. A call that validates is 0 for valid text. */
const CALLS: Readonly<Record<string, readonly [length: number, call: string]>> = {
  'unmask js-byte any 1024 6 hot': [1024, 'jsByte.unmask(AT, length, KEY)'],
  'unmask js any 1024 6 hot': [1024, 'js.unmask(AT, length, KEY)'],
  'unmask wasm-scalar any 1024 6 hot': [1024, 'scalar.unmask(AT, length, KEY)'],
  'unmask wasm any 1024 6 hot': [1024, 'wasm.unmask(AT, length, KEY)'],
  'unmask wasm any 65536 6 hot': [65536, 'wasm.unmask(AT, length, KEY)'],
  'unmask wasm, copy in and out any 64 6 hot': [
    64,
    '(bytes.set(outside, AT), wasm.unmask(AT, length, KEY), bytes.copy(outside, 0, AT, AT + length))',
  ],
  'validate js ascii 1024 6 hot': [1024, 'js.validate(ASCII, length, 0)'],
  'validate wasm ascii 1024 6 hot': [1024, 'wasm.validate(ASCII, length, 0)'],
  'validate wasm json 65536 6 hot': [65536, 'wasm.validate(JSON64, length, 0)'],
  'validate isUtf8 ascii 1024 6 hot': [1024, '(isUtf8(view) ? 0 : 1)'],
};

/**
 * The same code is faster or slower by what is around it. So each call gets these two loops. The better one is compared with the study,
 * whose lower quartile is also from the better ones of its three kinds of loops.
 */
const FORMS = [
  (call: string) => `let valid = 0; for (let i = 0; i < calls; i++) if (${call} === 0) valid++; return valid;`,
  (call: string) => `{ const { ${Object.keys(things)} } = things; let valid = 0;
    for (let left = calls; left > 0; left--) if (${call} === 0) valid++; return valid; }`,
];

const WARM_UP_MS = 100;
const MEASURE_MS = 500;
const BATCH_MS = 1;

const figures = Object.entries(CALLS).map(([name, [length, call]]) => {
  const quartiles = FORMS.map((form) => {
    const loop = new Function(...Object.keys(things), 'things', 'length', 'calls', form(call));
    const ms = (calls: number) => {
      const start = performance.now();
      const valid: number = loop(...values, things, length, calls);
      if (name.startsWith('validate') && valid !== calls) throw new Error(`${name}: ${valid} of ${calls} are valid`);
      return performance.now() - start;
    };
    for (const end = performance.now() + WARM_UP_MS; performance.now() < end; ) ms(100);
    let calls = 1;
    while (ms(calls) < BATCH_MS) calls *= 2;
    const samples: number[] = [];
    for (const end = performance.now() + MEASURE_MS; performance.now() < end; ) samples.push(ms(calls) / calls);
    samples.sort((one, other) => one - other);
    return (samples[samples.length >> 2] as number) * 1e6;
  });
  return [name, quartiles];
});
process.stdout.write(`${JSON.stringify(Object.fromEntries(figures))}\n`);
