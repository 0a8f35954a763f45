/**
 * The module of dist/kernels.wasm, with SIMD, and of dist/kernels-relaxed.wasm, with relaxed SIMD. It has the functions that
 * src/kernels/kernel.ts declares, and scalar variants of some of them, which are there only to be compared with the others. Engines
 * without SIMD load ./scalar instead.
 */
export { deflateBegin, deflateStep } from './deflate';
export { SCRATCH_BYTES as deflateScratchBytes } from './deflate-scratch';
export { gather } from './gather';
export { inflate, inflateGoOn, inflateInit, inflateRegionBytes } from './inflate';
export { scan } from './scan';
export { unmask } from './unmask';
export { unmaskAscii } from './unmask-ascii';
export { unmaskScalar } from './unmask-scalar';
export { unmaskText, validate } from './utf8';
export { unmaskTextScalar, validateScalar } from './utf8-scalar';

/** Where the module's static data ends, in bytes. The loader makes sure that this is within the first page. */
export { __heap_base };
