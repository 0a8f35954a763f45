/**
 * The kernels as built. Imported by URL, because the compiled benchmarks run in bench/dist, one folder deeper than the
 * sources that TypeScript resolves the types from.
 */
const dist = new URL('../../dist/kernels/', import.meta.url);

export const { JsByteKernel, JsWordKernel }: typeof import('../dist/kernels/js.js') = await import(
  new URL('js.js', dist).href
);
export const { wasmKernel, wasmScalarKernel }: typeof import('../dist/kernels/wasm.js') = await import(
  new URL('wasm.js', dist).href
);
export const { NativeKernel }: typeof import('../dist/kernels/native.js') = await import(
  new URL('native.js', dist).href
);
export const { AutoKernel }: typeof import('../dist/kernels/auto.js') = await import(new URL('auto.js', dist).href);
export const { Utf8 }: typeof import('../dist/kernels/utf8.js') = await import(new URL('utf8.js', dist).href);

export type Kernel = import('../dist/kernels/kernel.js').Kernel;
export type Thresholds = import('../dist/kernels/thresholds.js').Thresholds;
