/**
 * What is used of a `WebAssembly.Memory`. Declarations name this instead: TypeScript knows `WebAssembly` from its DOM library only, and a
 * program that uses the package need not have that.
 */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}
