/** A number that an option cannot be, and the least and greatest that it can be; in bytes, ms or as a count. */
export interface OutOfRange {
  readonly got: number;
  readonly least: number;
  readonly greatest: number;
}

/** What a wrong option is known by: of the server (`WSLOOM_CONFIG`), or of a client or a load (`WSLOOM_OPTION`). */
export type OptionErrorCode = 'WSLOOM_OPTION' | 'WSLOOM_CONFIG';

/** An option has a value that cannot be used, or there is no such option. The message says what was found and what is allowed. */
export class OptionError extends Error {
  readonly code: OptionErrorCode = 'WSLOOM_OPTION';
  override readonly name: string = 'OptionError';
  /** The name of the option. */
  readonly option: string;
  /** Of a number; undefined otherwise. @internal The command line shows it in the units of its flags. */
  readonly outOfRange: OutOfRange | undefined;

  constructor(
    option: string,
    message: string,
    options?: ErrorOptions & { readonly outOfRange?: OutOfRange | undefined },
  ) {
    super(message, options);
    this.option = option;
    this.outOfRange = options?.outOfRange;
  }
}

/** An option of a server, or of one of its methods, has a value that cannot be used. */
export class ConfigError extends OptionError {
  override readonly code = 'WSLOOM_CONFIG';
  override readonly name: string = 'ConfigError';
}
