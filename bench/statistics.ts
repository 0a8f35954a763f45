/** The median of some figures: the one in the middle, or the mean of the two in the middle. NaN if there are none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The percentile: the smallest figure that the given part of all figures (0 to 1) does not exceed. NaN if there are none. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN;
}

/** The figures of a server that a comparison needs. */
export interface Speed {
  readonly perSecond: number;
  readonly microsPerMessage: number;
  /** Whether the client could not keep the server busy: then the messages per second say little about the server. */
  readonly isClientBound: boolean;
}

/** How many times as fast one server is as another. */
export interface Ratio {
  readonly value: number;
  /** Whether CPU time per message was compared, not messages per second. */
  readonly isOfCpuTime: boolean;
}

/** Compares messages per second or, where the client was the limit of either server, CPU time per message. */
export function ratio(server: Speed, reference: Speed): Ratio {
  const isOfCpuTime = server.isClientBound || reference.isClientBound;
  const value = isOfCpuTime
    ? reference.microsPerMessage / server.microsPerMessage
    : server.perSecond / reference.perSecond;
  return { value, isOfCpuTime };
}
