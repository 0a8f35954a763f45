/**
 * The sizes at which the `auto` kernel changes from one implementation to the next, each the length of a call's range
 * in bytes, from 0 to {@link NEVER_BYTES}. Below `…WasmFromBytes` JavaScript does it, from `…NativeFromBytes` on
 * `buffer.isUtf8` does.
 *
 * They are measured, not believed: `wsloom kernels` finds those of the machine that it runs on, through `auto` itself.
 */
export interface Thresholds {
  /** From this size on WebAssembly unmasks binary payloads. */
  readonly unmaskWasmFromBytes: number;
  /** From this size on WebAssembly checks that bytes are UTF-8. */
  readonly validateWasmFromBytes: number;
  /** From this size on `buffer.isUtf8` checks that bytes are UTF-8. */
  readonly validateNativeFromBytes: number;
  /** From this size on WebAssembly unmasks and checks text. */
  readonly unmaskTextWasmFromBytes: number;
  /** From this size on `buffer.isUtf8` checks text, after it was unmasked. */
  readonly unmaskTextNativeFromBytes: number;
}

/**
 * As a threshold it means that an implementation is never used: no range is as long, because an arena has at most 4 GiB
 * less 64 KiB.
 */
export const NEVER_BYTES = 2 ** 32 - 1;

/**
 * The median of what the four engines of the study have found on an AMD EPYC (bench/STUDY.md, November 2026). Text is
 * weighed as half ASCII and half Latin, Chinese and emoji in equal parts.
 */
export const THRESHOLDS: Thresholds = {
  /** Node 20, 22, 24: 4; Node 26: 3. */
  unmaskWasmFromBytes: 4,
  /** Node 20: 4; Node 22, 24, 26: 8. */
  validateWasmFromBytes: 8,
  /** Node 20, 22: 1536; Node 24, 26: 768, since their compiler makes less of the WASM validator. */
  validateNativeFromBytes: 1152,
  /** Node 20, 22, 24 and 26: 3. */
  unmaskTextWasmFromBytes: 3,
  /** Node 20, 22: 3072; Node 24, 26: 1024. */
  unmaskTextNativeFromBytes: 2048,
};

/** The names of all thresholds, operation by operation. */
export const THRESHOLD_NAMES = Object.keys(THRESHOLDS) as (keyof Thresholds)[];
