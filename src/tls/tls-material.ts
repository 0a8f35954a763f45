import { createHash, randomFillSync } from 'node:crypto';
import type { ClientCertificates, MinVersion } from './tls-description.js';

/** How long ticket keys are used, in ms. */
export const TICKET_KEYS_MS = 12 * 3_600_000;

/** As `node:tls` wants them: 16 bytes of name, 16 of HMAC key, 16 of AES key. */
const TICKET_KEY_BYTES = 48;

/** What is shown to clients under one name, and what they have to show: in PEM, checked. */
export interface TlsIdentity {
  readonly cert: readonly string[];
  readonly key: readonly string[];
  readonly ca: readonly string[];
  readonly passphrase: string | undefined;
  readonly clients: ClientCertificates;
  /** When the certificate begins to be valid and when it ends, in ms since 1970; of several certificates the narrowest time. */
  readonly validFrom: number;
  readonly validTo: number;
}

/** All that a thread needs to speak TLS. It can be posted to other threads, and it holds secrets: it must not be logged. */
export interface TlsMaterial {
  readonly byDefault: TlsIdentity;
  /** By the names of the option `sni`, in lower case and as A-labels. */
  readonly byName: ReadonlyMap<string, TlsIdentity>;
  readonly minVersion: MinVersion;
  readonly ciphers: string | undefined;
  /** In seconds; 0 for no resumption. */
  readonly sessionTimeout: number;
  /** The keys that tickets are encrypted with. All threads have the same, so that each takes the tickets of the others. */
  readonly ticketKeys: Uint8Array;
  /** A digest of everything that a resumed session would skip. Tickets are valid under the rules that they were made under only. */
  readonly rules: string;
}

/** The part of an identity that `node:tls` makes a context of. */
export function secretsOf({ cert, key, ca, passphrase }: Pick<TlsIdentity, 'cert' | 'key' | 'ca' | 'passphrase'>) {
  // An empty `ca` trusts nobody. Without any, everybody whom the authorities of Node vouch for would be trusted.
  return { cert: [...cert], key: [...key], ca: [...ca], ...(passphrase === undefined ? {} : { passphrase }) };
}

/** Whether clients may resume sessions: never if any of them is asked for a certificate, which would not be looked at again. */
export function resumes({ byDefault, byName, sessionTimeout }: TlsMaterial): boolean {
  return sessionTimeout > 0 && !asksAny([byDefault, ...byName.values()]);
}

/** Whether clients are asked for a certificate under any of these names. */
export function asksAny(identities: readonly TlsIdentity[]): boolean {
  return identities.some(({ clients }) => clients !== 'unasked');
}

/** Adds ticket keys: those of before if the rules have not changed, new ones otherwise. */
export function withTicketKeys(
  material: Omit<TlsMaterial, 'rules' | 'ticketKeys'>,
  before: TlsMaterial | undefined,
): TlsMaterial {
  const rules = rulesOf(material);
  return { ...material, rules, ticketKeys: before?.rules === rules ? before.ticketKeys : newTicketKeys() };
}

/** The same with new ticket keys. A client whose ticket is older makes one full handshake. */
export function rotateTicketKeys(material: TlsMaterial): TlsMaterial {
  return { ...material, ticketKeys: newTicketKeys() };
}

/** Certificates and keys are left out, so that a renewed certificate costs no handshakes. */
function rulesOf({ byDefault, byName, minVersion, ciphers }: Omit<TlsMaterial, 'rules' | 'ticketKeys'>): string {
  const rule = ({ ca, clients }: TlsIdentity) => [clients, ca];
  const names = [...byName].map(([name, identity]) => [name, ...rule(identity)]).sort();
  const all = JSON.stringify([rule(byDefault), names, minVersion, ciphers ?? null]);
  return createHash('sha256').update(all).digest('hex');
}

function newTicketKeys(): Uint8Array {
  // A Buffer might lie in a pool, all of which would be posted.
  return randomFillSync(new Uint8Array(TICKET_KEY_BYTES));
}
