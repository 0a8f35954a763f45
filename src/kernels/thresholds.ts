/**
 * The sizes at which the `auto` kernel goes over from one implementation to the next, each in bytes of a call's range, 0 to
 * {@link NEVER_BYTES}: below `…WasmFromBytes` JavaScript does it, from `…NativeFromBytes` on `buffer.isUtf8`.
 *
 * They are measured, not believed: `wsloom kernels` finds those of the machine that it runs on, through `auto` itself.
 */
export interface Thresholds {
  readonly unmaskWasmFromBytes: number;
  readonly validateWasmFromBytes: number;
  readonly validateNativeFromBytes: number;
  readonly unmaskTextWasmFromBytes: number;
  readonly unmaskTextNativeFromBytes: number;
}

/** As a threshold: an implementation is not used. No range is so long, for an arena has at most 4 GiB less 64 KiB. */
export const NEVER_BYTES = 2 ** 32 - 1;

/**
 * Of what the four engines of the study have found on an AMD EPYC (bench/STUDY.md, November 2026), the median. Text is weighed
 * as half ASCII and half Latin, Chinese and emoji in equal parts.
 */
export const THRESHOLDS: Thresholds = {
  /** Node 20, 22, 24: 4; Node 26: 3. */
  unmaskWasmFromBytes: 4,
  /** Node 20: 4; Node 22, 24, 26: 8. */
  validateWasmFromBytes: 8,
  /** Node 20, 22: 1536; Node 24, 26: 768, since their compiler makes less of the WASM validator. */
  validateNativeFromBytes: 1152,
  /** All four. */
  unmaskTextWasmFromBytes: 3,
  /** Node 20, 22: 3072; Node 24, 26: 1024. */
  unmaskTextNativeFromBytes: 2048,
};

/** The names of all thresholds, in the order of operations. */
export const THRESHOLD_NAMES = Object.keys(THRESHOLDS) as (keyof Thresholds)[];
