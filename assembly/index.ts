/**
 * The module of dist/kernels.wasm: the functions of src/kernels/kernel.ts, with SIMD. The scalar variants are there only to be
 * compared with them. ./scalar is the module for engines without SIMD.
 */
export { gather } from './gather';
export { scan } from './scan';
export { unmask } from './unmask';
export { unmaskAscii } from './unmask-ascii';
export { unmaskScalar } from './unmask-scalar';
export { unmaskText, validate } from './utf8';
export { unmaskTextScalar, validateScalar } from './utf8-scalar';

/** Where the module's static data ends, in bytes. The loader makes sure that this is within the first page. */
export { __heap_base };
