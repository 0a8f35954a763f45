import { readFileSync } from 'node:fs';

/** Where the system does not say it. */
export const ASSUMED_BYTES = 32 * 1024 * 1024;
/** With larger caches, filling them with other bytes takes too long. */
export const MAX_BYTES = 128 * 1024 * 1024;

/** The size of the last level of the cache, as Linux says it. */
export function cacheBytes(): number {
  try {
    const text = readFileSync('/sys/devices/system/cpu/cpu0/cache/index3/size', 'utf8');
    const [, kibibytes] = /^(\d+)K$/m.exec(text) ?? [];
    return Math.min(kibibytes === undefined ? ASSUMED_BYTES : Number(kibibytes) * 1024, MAX_BYTES);
  } catch {
    return ASSUMED_BYTES; // another system, or one that does not say it
  }
}
