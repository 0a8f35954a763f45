import { Counter, type Counters } from '../telemetry/counters.js';

/** Counts a message that was compressed to be sent. @param before its length, and `after` that of what is sent, in bytes. */
export function countDeflated(counters: Counters, before: number, after: number): void {
  counters.add(Counter.DEFLATED_MESSAGES, 1);
  counters.add(Counter.DEFLATED_FROM_BYTES, before);
  counters.add(Counter.DEFLATED_BYTES, after);
}
