import { BackplaneError } from './backplane-error.js';

const HIDDEN = '[hidden]';

/** Passwords, tokens and keys of one engine. Errors of its client may quote them; what is made of such errors here does not. */
export class Secrets {
  readonly #texts: readonly string[];

  /** @param texts undefined and empty ones count for nothing. Each is also hidden as it stands in a URL. */
  constructor(texts: readonly (string | undefined)[]) {
    const given = texts.filter((text) => text !== undefined && text !== '') as string[];
    const all = new Set(given.flatMap((text) => [text, encodeURIComponent(Buffer.from(text).toString())]));
    // The longest first: one may be a part of another.
    this.#texts = [...all].sort((a, b) => b.length - a.length);
  }

  /** A text without them. */
  hide(text: string): string {
    return this.#texts.reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text);
  }

  /**
   * What an error says, behind what was tried. The error itself is not kept as the cause: loggers print causes, with all of their members.
   * @param error whatever was thrown; some errors of Node, such as those of several addresses, have a code and no message.
   */
  error(what: string, error: unknown): BackplaneError {
    return new BackplaneError(this.hide(`${what}: ${messageOf(error)}`));
  }
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join(', ');
  const { code } = error as NodeJS.ErrnoException;
  if (error.message !== '') return error.message;
  return code ?? error.name;
}
