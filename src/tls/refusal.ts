import { ConfigError } from '../options/option-error.js';
import type { PemSource } from './tls-description.js';

/** The error for a part of the option `tls`. The message goes on behind its name. It must hold nothing of a value: that may be a key. */
export function refusal(option: string, message: string): ConfigError {
  return new ConfigError(option, `${option} ${message}`);
}

/**
 * The error for something in PEM, which names its file if it has one.
 * @param cause an error of the file system. Errors of OpenSSL are left out, because nobody promises what they quote.
 */
export function pemRefusal(option: string, source: PemSource, message: string, cause?: unknown): ConfigError {
  const where = source.kind === 'file' ? `${option} ${source.path}` : option;
  return new ConfigError(option, `${where} ${message}`, cause === undefined ? undefined : { cause });
}
