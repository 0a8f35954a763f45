/** A number that an option cannot be, and the least and greatest that it can be; in bytes, ms or as a count. */
export interface OutOfRange {
  readonly got: number;
  readonly least: number;
  readonly greatest: number;
}

/** An option has a value that cannot be used. */
export class ConfigError extends Error {
  readonly code = 'WSLOOM_CONFIG';
  override readonly name = 'ConfigError';
  /** Its name. */
  readonly option: string;
  /** Of a number; undefined otherwise. @internal For those who show it in other units. */
  readonly outOfRange: OutOfRange | undefined;

  constructor(option: string, message: string, outOfRange?: OutOfRange) {
    super(message);
    this.option = option;
    this.outOfRange = outOfRange;
  }
}
