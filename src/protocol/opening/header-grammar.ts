import { excerpt, HeaderSyntaxError } from './handshake-error.js';

/*
 * The grammars of the header fields of an opening handshake: RFC 6455 sections 4.3 and 9.1, which are written in the ABNF
 * of RFC 2616 with its "implied *LWS": spaces and tabs may stand between any two elements.
 *
 * Every scanner goes forward only, over character codes, and looks at each character a fixed number of times: what a peer
 * sends costs time linear in its length. A regular expression with two adjacent repetitions does not promise that.
 */

/** A set of characters below U+0100: 1 at the code of each member. */
export type CharacterSet = Uint8Array;

/** The letters and digits that most sets of these grammars start from. */
export const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** The set of these characters. */
export function characterSet(members: string): CharacterSet {
  const set = new Uint8Array(256);
  for (const character of members) set[character.charCodeAt(0)] = 1;
  return set;
}

/** The set of all characters from `first` to `last`, inclusive. */
export function characterRange(first: string, last: string): CharacterSet {
  return new Uint8Array(256).fill(1, first.charCodeAt(0), last.charCodeAt(0) + 1);
}

const TOKEN = characterSet(`${ALPHANUMERIC}!#$%&'*+-.^_\`|~`);
const WHITESPACE = characterSet(' \t');
const BETWEEN_ELEMENTS = characterSet(' \t,');

/** Where the run of members of `set` that begins at `start` ends. */
export function spanEnd(text: string, set: CharacterSet, start: number, end = text.length): number {
  let at = start;
  while (at < end && set[text.charCodeAt(at)] === 1) at++;
  return at;
}

/** Whether the text is a token (RFC 9110 section 5.6.2): one or more characters, none of them a separator. */
export function isToken(text: string): boolean {
  return text.length > 0 && spanEnd(text, TOKEN, 0) === text.length;
}

const ASCII_FIELD_VALUE = characterRange(' ', '~');
ASCII_FIELD_VALUE[9] = 1;

/**
 * Whether the text can be sent as a field value (RFC 9110 section 5.5). Beyond ASCII the section advises senders against
 * it, and refusing it makes a head mean the same in whatever encoding it is written.
 */
export function isFieldValue(text: string): boolean {
  return spanEnd(text, ASCII_FIELD_VALUE, 0) === text.length;
}

/**
 * Whether `text[start, end)` is the same as `lowerCase` when the case of ASCII letters is ignored (RFC 6455 section 2.1).
 * `toLowerCase` would also turn the Kelvin sign into a k.
 */
export function equalsIgnoringCase(text: string, lowerCase: string, start = 0, end = text.length): boolean {
  if (end - start !== lowerCase.length) return false;
  for (let i = 0; i < lowerCase.length; i++) {
    const code = text.charCodeAt(start + i);
    const folded = code >= 0x41 && code <= 0x5a ? code + 32 : code;
    if (folded !== lowerCase.charCodeAt(i)) return false;
  }
  return true;
}

// RFC 3986 section 3.2.2: reg-name and, without its brackets, IP-literal. Of both only the alphabet is checked, and it is
// taken without the comma: no name in use has one, and two Hosts that a proxy has joined do.
const REG_NAME = characterSet(`${ALPHANUMERIC}-._~!$&'()*+;=%`);
const IP_LITERAL = characterSet(`${ALPHANUMERIC}-._~!$&'()*+;=%:`);
const DIGIT = characterSet('0123456789');
const SHORTEST_IP_LITERAL = '[::]'.length;

/** Whether the text is `uri-host [ ":" port ]` (RFC 9110 section 7.2) with a host that is not empty; no user part. */
export function isHost(text: string): boolean {
  let end: number;
  if (text.startsWith('[')) {
    end = spanEnd(text, IP_LITERAL, 1) + 1;
    if (end < SHORTEST_IP_LITERAL || text[end - 1] !== ']') return false;
  } else {
    end = spanEnd(text, REG_NAME, 0);
    if (end === 0) return false;
  }
  if (end === text.length) return true;
  if (text[end] !== ':' || spanEnd(text, DIGIT, end + 1) !== text.length) return false;
  return Number(text.slice(end + 1)) <= 65_535;
}

/**
 * Whether a comma-separated list has this element, given in lower case, in any ASCII case: Upgrade and Connection
 * (RFC 6455 section 4.2.1, items 3 and 4). The other elements are not judged: they are not for us.
 */
export function listIncludes(list: string, element: string): boolean {
  let at = 0;
  while (at < list.length) {
    const start = spanEnd(list, BETWEEN_ELEMENTS, at);
    const comma = list.indexOf(',', start);
    const next = comma === -1 ? list.length : comma;
    let end = next;
    while (end > start && WHITESPACE[list.charCodeAt(end - 1)] === 1) end--;
    if (equalsIgnoringCase(list, element, start, end)) return true;
    at = next + 1;
  }
  return false;
}

/**
 * Reads `1#token`: Sec-WebSocket-Protocol (RFC 6455 section 4.3). Empty elements count for nothing, so that headers can be
 * joined (RFC 2616 section 2.1, RFC 9110 section 5.6.1.2), but one element there must be.
 *
 * @throws HeaderSyntaxError
 */
export function parseTokenList(list: string): string[] {
  const cursor = new Cursor(list);
  const tokens: string[] = [];
  while (cursor.nextElement()) {
    tokens.push(cursor.token('a token'));
    cursor.endElement("','");
  }
  return tokens;
}

/** A parameter of an extension; without a value it is a flag. Names are kept as sent, in order, repeated ones too. */
export interface ExtensionParameter {
  readonly name: string;
  readonly value: string | undefined;
}

/** An extension as one side offers or accepts it (RFC 6455 section 9.1). Names are case-sensitive. */
export interface Extension {
  readonly name: string;
  readonly parameters: readonly ExtensionParameter[];
}

/**
 * Reads an `extension-list`: Sec-WebSocket-Extensions (RFC 6455 section 9.1), of either side. A quoted value is unescaped,
 * and what it then is must be a token. What the names mean, and whether a parameter may be repeated, is for the extension
 * to say.
 *
 * @throws HeaderSyntaxError
 */
export function parseExtensions(list: string): Extension[] {
  const cursor = new Cursor(list);
  const extensions: Extension[] = [];
  while (cursor.nextElement()) {
    const name = cursor.token("an extension's name");
    const parameters: ExtensionParameter[] = [];
    while (cursor.skip(SEMICOLON)) {
      const parameter = cursor.token("a parameter's name");
      parameters.push({ name: parameter, value: cursor.skip(EQUALS) ? cursor.tokenOrQuoted() : undefined });
    }
    cursor.endElement("';' or ','");
    extensions.push({ name, parameters });
  }
  return extensions;
}

/**
 * Writes an `extension-list` (RFC 6455 section 9.1). Values are written as tokens: the grammar allows quoting only what
 * does not need it. The caller sees to it that names and values are tokens.
 */
export function formatExtensions(extensions: readonly Extension[]): string {
  let list = '';
  for (const { name, parameters } of extensions) {
    list += list === '' ? name : `, ${name}`;
    for (const parameter of parameters) {
      list += parameter.value === undefined ? `; ${parameter.name}` : `; ${parameter.name}=${parameter.value}`;
    }
  }
  return list;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/** A position in a list, always in front of an element or a separator: whatever goes past one skips the space after it. */
class Cursor {
  readonly #text: string;
  #at = 0;
  #elements = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Goes to the next element that is not empty; false at the end, if there was at least one. */
  nextElement(): boolean {
    this.#at = spanEnd(this.#text, BETWEEN_ELEMENTS, this.#at);
    if (this.#at < this.#text.length) {
      this.#elements++;
      return true;
    }
    if (this.#elements === 0) throw this.#expected('at least one element');
    return false;
  }

  /** After an element there is a comma or nothing. */
  endElement(continuations: string): void {
    if (this.#at < this.#text.length && this.#text.charCodeAt(this.#at) !== COMMA) throw this.#expected(continuations);
  }

  /** Goes past this separator, if it is what comes next. */
  skip(separator: number): boolean {
    if (this.#text.charCodeAt(this.#at) !== separator) return false;
    this.#moveTo(this.#at + 1);
    return true;
  }

  token(what: string): string {
    const start = this.#at;
    const end = spanEnd(this.#text, TOKEN, start);
    if (end === start) throw this.#expected(what);
    this.#moveTo(end);
    return this.#text.slice(start, end);
  }

  tokenOrQuoted(): string {
    return this.#text.charCodeAt(this.#at) === QUOTE ? this.#quotedToken() : this.token("a parameter's value");
  }

  /** A quoted-string is left at its first character that could not be in a token, escaped or not. */
  #quotedToken(): string {
    const text = this.#text;
    let value = '';
    let at = this.#at + 1;
    for (;;) {
      const end = spanEnd(text, TOKEN, at);
      value += text.slice(at, end);
      this.#at = end;
      const stop = text.charCodeAt(end);
      if (stop === QUOTE) break;
      // What is escaped must be a token character too; it opens the next run.
      if (stop !== BACKSLASH || spanEnd(text, TOKEN, end + 1, end + 2) === end + 1) {
        throw this.#expected('a closing quote or a token character');
      }
      at = end + 1;
    }
    if (value === '') throw this.#expected('a token between the quotes');
    this.#moveTo(this.#at + 1);
    return value;
  }

  #moveTo(at: number): void {
    this.#at = spanEnd(this.#text, WHITESPACE, at);
  }

  #expected(what: string): HeaderSyntaxError {
    const found = this.#at < this.#text.length ? excerpt(this.#text.slice(this.#at, this.#at + 16)) : 'the end';
    return new HeaderSyntaxError(`expected ${what} at offset ${this.#at}, found ${found}`, this.#at);
  }
}
