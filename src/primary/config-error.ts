/** An option has a value that cannot be used. */
export class ConfigError extends Error {
  readonly code = 'WSLOOM_CONFIG';
  override readonly name = 'ConfigError';
  /** Its name. */
  readonly option: string;

  constructor(option: string, message: string) {
    super(message);
    this.option = option;
  }
}
