/**
 * The module of dist/kernels-scalar.wasm: the kernels without a SIMD instruction, so that the module compiles where
 * WebAssembly has none, under the same names as those of ./index.
 */
export { deflateBegin, deflateStep } from './deflate';
export { SCRATCH_BYTES as deflateScratchBytes } from './deflate-scratch';
export { inflate, inflateGoOn, inflateInit, inflateRegionBytes } from './inflate';
export { unmaskScalar as unmask } from './unmask-scalar';
export { unmaskTextScalar as unmaskText, validateScalar as validate } from './utf8-scalar';

/** Where the module's static data ends, in bytes. */
export { __heap_base };
