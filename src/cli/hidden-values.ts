/** The headers whose values let whoever reads them act as somebody else. Subprotocols are used for tokens, too. */
const SECRET: ReadonlySet<string> = new Set([
  'cookie',
  'set-cookie',
  'authorization',
  'proxy-authorization',
  'sec-websocket-protocol',
]);

/** Shows what a peer has sent, or only how long it is, where it may be a secret. */
export class HiddenValues {
  readonly #areShown: boolean;

  /** @param areShown whether the user wants to see secrets. */
  constructor(areShown: boolean) {
    this.#areShown = areShown;
  }

  get areShown(): boolean {
    return this.#areShown;
  }

  secret(text: string): string {
    if (this.#areShown) return text;
    return text.length === 1 ? '(1 character)' : `(${text.length} characters)`;
  }

  /** A request target, whose query may be a secret. */
  target(target: string): string {
    const mark = target.indexOf('?');
    return mark === -1 ? target : `${target.slice(0, mark)}?${this.secret(target.slice(mark + 1))}`;
  }

  header(name: string, value: string): string {
    return SECRET.has(name.toLowerCase()) ? this.secret(value) : value;
  }

  /** Names and values of headers, in pairs. @param raw names and values in turn. */
  headers(raw: readonly string[]): (readonly [name: string, value: string])[] {
    const pairs: (readonly [string, string])[] = [];
    for (let i = 0; i < raw.length; i += 2) {
      const [name = '', value = ''] = raw.slice(i, i + 2);
      pairs.push([name, this.header(name, value)]);
    }
    return pairs;
  }

  /** What was found where a rule is broken. @param mayQuoteSecret whether it can quote one of these. */
  found(found: string, mayQuoteSecret: boolean, section: string): string {
    if (this.#areShown || !mayQuoteSecret) return found;
    return `what was found may hold a secret, which --secrets shows (RFC 6455 section ${section})`;
  }
}
