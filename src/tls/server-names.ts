import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';

const WILDCARD = '*.';

/** What a name is written with. The function of Node that makes A-labels takes more: it ends a name at a slash, and decodes percents. */
const WRITTEN = /^[A-Za-z0-9._\-\u0080-\uffff]+$/;

/** A name as DNS takes it. Underscores are in use, though no rule for host names allows them. */
const NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/;

/**
 * A name of the option `sni` in the form that it is compared in: lower case, A-labels, no dot at the end.
 * @returns undefined for what no client can ask for: addresses, a wildcard at another place or for a part of a label.
 */
export function canonicalName(name: string): string | undefined {
  const prefix = name.startsWith(WILDCARD) ? WILDCARD : '';
  const given = withoutFinalDot(name.slice(prefix.length));
  if (!WRITTEN.test(given)) return undefined;
  const ascii = domainToASCII(given);
  // It turns `0x7f.1` into an address, too.
  return NAME.test(ascii) && isIP(ascii) === 0 ? prefix + ascii : undefined;
}

/** What belongs to the names that clients ask for (SNI, RFC 6066 section 3). */
export class ServerNames<Value> {
  readonly #byDefault: Value;
  readonly #exact = new Map<string, Value>();
  /** By what follows the star: `.example.com`. */
  readonly #wildcards = new Map<string, Value>();

  /** @param byName by the names that {@link canonicalName} returns. */
  constructor(byDefault: Value, byName: ReadonlyMap<string, Value>) {
    this.#byDefault = byDefault;
    for (const [name, value] of byName) {
      if (name.startsWith(WILDCARD)) this.#wildcards.set(name.slice(1), value);
      else this.#exact.set(name, value);
    }
  }

  /**
   * What belongs to a name: what was given for exactly it, or for a wildcard in place of its first label, or the default.
   * @param name as the client has sent it; false, null, undefined or '' if it has sent none.
   */
  of(name: string | false | null | undefined): Value {
    if (typeof name !== 'string') return this.#byDefault;
    const canonical = withoutFinalDot(name.toLowerCase());
    const exact = this.#exact.get(canonical);
    if (exact !== undefined) return exact;
    const dot = canonical.indexOf('.');
    return (dot > 0 ? this.#wildcards.get(canonical.slice(dot)) : undefined) ?? this.#byDefault;
  }
}

function withoutFinalDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name;
}
