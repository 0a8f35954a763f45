/** An option of the client, or of the load generator, has a value that cannot be used. */
export class OptionError extends Error {
  readonly code = 'WSLOOM_OPTION';
  override readonly name = 'OptionError';
  /** Its name. */
  readonly option: string;

  constructor(option: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.option = option;
  }
}
