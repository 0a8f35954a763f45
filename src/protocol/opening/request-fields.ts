import { equalsIgnoringCase } from './header-grammar.js';

/**
 * The header fields that an opening handshake is about (RFC 6455 section 4.2.1): of those that may come once the last value and how
 * many have come, of the others the values joined.
 */
export interface RequestFields {
  host: string;
  hosts: number;
  key: string;
  keys: number;
  version: string;
  versions: number;
  origin: string;
  origins: number;
  upgrade: string | undefined;
  connection: string | undefined;
  protocols: string | undefined;
  extensions: string | undefined;
  /** How many field lines have said that the length of the body is 0. */
  lengths: number;
  /** The field line that announces a body, as it came; undefined if there is none. */
  body: string | undefined;
}

/**
 * Collects these fields in one pass over the raw headers. The length of a name is compared first: so nearly every other header costs
 * one comparison of integers, and no name is converted to lower case.
 */
export function collectFields(rawHeaders: readonly string[]): RequestFields {
  const fields: RequestFields = {
    host: '',
    hosts: 0,
    key: '',
    keys: 0,
    version: '',
    versions: 0,
    origin: '',
    origins: 0,
    upgrade: undefined,
    connection: undefined,
    protocols: undefined,
    extensions: undefined,
    lengths: 0,
    body: undefined,
  };
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    const value = rawHeaders[i + 1] ?? '';
    switch (name.length) {
      case 4:
        if (!equalsIgnoringCase(name, 'host')) break;
        fields.host = value;
        fields.hosts++;
        break;
      case 6:
        if (!equalsIgnoringCase(name, 'origin')) break;
        fields.origin = value;
        fields.origins++;
        break;
      case 7:
        if (equalsIgnoringCase(name, 'upgrade')) fields.upgrade = join(fields.upgrade, value);
        break;
      case 10:
        if (equalsIgnoringCase(name, 'connection')) fields.connection = join(fields.connection, value);
        break;
      case 14:
        if (!equalsIgnoringCase(name, 'content-length')) break;
        // A single 0 is no body, and embedded clients send it. Other spellings of 0 mean something else to some parsers.
        if (value !== '0' || fields.lengths++ > 0) fields.body = `${name}: ${value}`;
        break;
      case 17:
        if (equalsIgnoringCase(name, 'transfer-encoding')) {
          fields.body = `${name}: ${value}`;
        } else if (equalsIgnoringCase(name, 'sec-websocket-key')) {
          fields.key = value;
          fields.keys++;
        }
        break;
      case 21:
        if (!equalsIgnoringCase(name, 'sec-websocket-version')) break;
        fields.version = value;
        fields.versions++;
        break;
      case 22:
        if (equalsIgnoringCase(name, 'sec-websocket-protocol')) fields.protocols = join(fields.protocols, value);
        break;
      case 24:
        if (equalsIgnoringCase(name, 'sec-websocket-extensions')) fields.extensions = join(fields.extensions, value);
        break;
    }
  }
  return fields;
}

/** Joins the values of two field lines of one name, which changes nothing in their meaning (RFC 9110 section 5.3). */
function join(earlier: string | undefined, value: string): string {
  return earlier === undefined ? value : `${earlier}, ${value}`;
}
