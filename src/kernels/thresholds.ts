/**
 * The sizes at which the kernel `auto` changes from one implementation to the next: lengths of the range of a call, in bytes,
 * from 0 to 4 294 967 295, which is never. Below `…WasmFromBytes` it uses JavaScript, from there on WebAssembly, and from
 * `…NativeFromBytes` on `buffer.isUtf8` of Node.
 *
 * `npx wsloom kernels` measures the right sizes for a machine. A size that is not given is that of the study of the project.
 */
export interface Thresholds {
  /** From this length on WebAssembly unmasks binary messages, in bytes. */
  readonly unmaskWasmFromBytes: number;
  /** From this length on WebAssembly validates text that is unmasked already, in bytes. */
  readonly validateWasmFromBytes: number;
  /** From this length on `buffer.isUtf8` validates text that is unmasked already, in bytes. */
  readonly validateNativeFromBytes: number;
  /** From this length on WebAssembly unmasks and validates text, in bytes. */
  readonly unmaskTextWasmFromBytes: number;
  /** From this length on WebAssembly unmasks text and `buffer.isUtf8` validates it, in bytes. */
  readonly unmaskTextNativeFromBytes: number;
}

/** A threshold for an implementation that is never used. No range is as long, because an arena has at most 4 GiB less 64 KiB. */
export const NEVER_BYTES = 2 ** 32 - 1;

/**
 * The medians of what `npm run bench:thresholds` finds on four versions of Node, on an AMD EPYC in November 2026. A text counts as half
 * ASCII, and half Latin, Chinese and emoji in equal parts.
 */
export const THRESHOLDS: Thresholds = {
  /** Node 20, 22, 24 and 26: 3. */
  unmaskWasmFromBytes: 3,
  /** Node 20, 22, 24 and 26: 4. */
  validateWasmFromBytes: 4,
  /** Node 20, 22: 1024; Node 24, 26: 768, since their compiler makes less of the WASM validator. */
  validateNativeFromBytes: 896,
  /** Node 20, 22, 24 and 26: 2. */
  unmaskTextWasmFromBytes: 2,
  /** Node 20, 22: 768; Node 24, 26: 512. */
  unmaskTextNativeFromBytes: 640,
};

/** The names of all thresholds, operation by operation. */
export const THRESHOLD_NAMES = Object.keys(THRESHOLDS) as (keyof Thresholds)[];
