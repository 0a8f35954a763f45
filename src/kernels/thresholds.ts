/**
 * The sizes at which the `auto` kernel goes over from one implementation to the next, each in bytes of a call's range.
 * They are measured, not believed: bench/thresholds.ts finds the crossovers of the machine it runs on and prints this
 * object. Below `…WasmFromBytes` JavaScript does it, from `…NativeFromBytes` on `buffer.isUtf8`.
 */
export interface Thresholds {
  readonly unmaskWasmFromBytes: number;
  readonly validateWasmFromBytes: number;
  readonly validateNativeFromBytes: number;
  readonly unmaskTextWasmFromBytes: number;
  readonly unmaskTextNativeFromBytes: number;
}

export const THRESHOLDS: Thresholds = {
  unmaskWasmFromBytes: 4,
  validateWasmFromBytes: 4,
  validateNativeFromBytes: 3072,
  unmaskTextWasmFromBytes: 4,
  unmaskTextNativeFromBytes: 3072,
};
