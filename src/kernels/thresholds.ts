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
 * From `npm run bench:thresholds` on Node 20 and an AMD EPYC of the Zen 3 generation. Text is weighed as half ASCII and half
 * Latin, Chinese and emoji in equal parts. bench/STUDY.md has them beside what each engine of the study has found.
 */
export const THRESHOLDS: Thresholds = {
  /** 3 bytes: 7.4 ns in JavaScript, 8.3 in WASM. 4 bytes: 9.0, 8.3. */
  unmaskWasmFromBytes: 4,
  /** 4 bytes: 12.2 ns in JavaScript, 13.6 in WASM. 6 bytes: 14.9, 13.3. */
  validateWasmFromBytes: 6,
  /** 2 KiB: 165 ns in WASM, 178 native. 3 KiB: 239, 224. 64 KiB: 4 620, 3 035, and no difference if it is ASCII. */
  validateNativeFromBytes: 3072,
  /** 2 bytes: 14.8 ns in JavaScript, 20.3 in WASM. 3 bytes: 15.2, 11.7. */
  unmaskTextWasmFromBytes: 3,
  /** 2 KiB: 200 ns in WASM, 209 native. 3 KiB: 293, 270. 64 KiB: 5 520, 4 247; if it is ASCII 2 040, 2 467. */
  unmaskTextNativeFromBytes: 3072,
};

/** The names of all thresholds, in the order of operations. */
export const THRESHOLD_NAMES = Object.keys(THRESHOLDS) as (keyof Thresholds)[];
