import { Bench as Tinybench } from 'tinybench';
import { JsWordKernel } from '#dist/kernels/js.js';
import type { Kernel } from '#dist/kernels/kernel.js';
import { nativeKernel } from '#dist/kernels/native.js';
import { wasmKernel } from '#dist/kernels/wasm.js';
import { textBytes } from '#dist/study/texts.js';
import { batch } from '#dist/study/timing.js';
import type { Bench } from '../bench.js';
import { showBytes } from '../cases.js';

export interface KernelResult {
  readonly operation: string;
  readonly bytes: number;
  readonly kernel: string;
  readonly nanosPerCall: number;
}

const PAGES = 3;
/** After one reserved page and the 6 bytes of a small frame's header. */
const OFFSET = 65536 + 6;
const SIZES = [64, 1024, 65536];
const KEY = 0x3d21fa37;
/** The text is validated and unmasked many times. A key of zeros leaves it as it is, and no kernel has a short cut for it. */
const CALLS = {
  unmask: `unmask(offset, length, ${KEY})`,
  validate: 'validate(offset, length, 0)',
  unmaskText: 'unmaskText(offset, length, 0, 0)',
};
/** A task is a batch of calls for about this many bytes in sum: one call is too short for the clock. */
const BYTES_PER_BATCH = 256 * 1024;

/** The time for unmasking and validating a text, half of whose characters are not ASCII. */
export async function kernels(bench: Bench): Promise<KernelResult[]> {
  const results: KernelResult[] = [];
  for (const [operation, call] of Object.entries(CALLS)) {
    const name = `kernels ${operation}`;
    if (!bench.wants(name)) continue;
    bench.progress(name);
    for (const bytes of SIZES) results.push(...(await measure(operation, call, bytes, bench.settings.isQuick)));
  }
  return results;
}

async function measure(operation: string, call: string, bytes: number, isQuick: boolean): Promise<KernelResult[]> {
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
  new Uint8Array(memory.buffer).set(textBytes('latin', bytes), OFFSET);
  const wasm = wasmKernel(memory);
  const candidates: Kernel[] = [new JsWordKernel(memory), wasm, nativeKernel(memory, wasm)];
  const times = Math.ceil(BYTES_PER_BATCH / bytes);
  const tasks = new Tinybench({ name: showBytes(bytes), time: isQuick ? 30 : 200, warmupTime: 20 });
  for (const kernel of candidates) {
    const run = batch(call);
    tasks.add(kernel.name, () => run(kernel, times, OFFSET, bytes));
  }
  await tasks.run();
  return tasks.tasks.map(({ name, result }) => {
    if (result.state !== 'completed') throw new Error(`${name} ${operation} of ${bytes} bytes: ${result.state}`);
    return { operation, bytes, kernel: name, nanosPerCall: (result.latency.p50 * 1e6) / times };
  });
}
