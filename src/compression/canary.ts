/** How many bytes {@link putCanary} overwrites. */
export const CANARY_BYTES = 64;
const CANARY = 0xc9;

/** Puts bytes to `at` that a kernel must not overwrite. */
export function putCanary(bytes: Uint8Array, at: number): void {
  bytes.fill(CANARY, at, at + CANARY_BYTES);
}

/** @throws Error if one of them was overwritten: better to lose the connection than to send or hand out bytes of another one. */
export function checkCanary(bytes: Uint8Array, at: number, kernel: string): void {
  for (let i = at; i < at + CANARY_BYTES; i++) {
    if (bytes[i] !== CANARY) throw new Error(`${kernel} has written beyond its bounds`);
  }
}
