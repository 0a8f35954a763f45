import { constants } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { ServerNames } from './server-names.js';
import type { ClientCertificates } from './tls-description.js';
import { asksAny, resumes, secretsOf, type TlsIdentity, type TlsMaterial } from './tls-material.js';

/** What clients get under one name. */
export interface NameContext {
  readonly context: SecureContext;
  readonly clients: ClientCertificates;
}

/** How long `node:tls` and OpenSSL let a name of a set of sessions be. */
const SESSION_ID_CONTEXT_LENGTH = 32;

/** The contexts of OpenSSL that one thread makes of {@link TlsMaterial}: one for each name. They do not change. */
export class TlsContexts {
  /** What the context of the default is made of, for a server: OpenSSL takes versions, ciphers and tickets from the default. */
  readonly options: SecureContextOptions;
  /** Whether clients are asked for a certificate under any name. */
  readonly asksAny: boolean;
  readonly #names: ServerNames<NameContext>;

  /** @throws the error of OpenSSL, which there is none of if {@link loadTls} has made the material with the same version of Node. */
  constructor(material: TlsMaterial) {
    const all = [material.byDefault, ...material.byName.values()];
    const common = commonOptions(material);
    const make = (identity: TlsIdentity): NameContext => ({
      context: createSecureContext({ ...secretsOf(identity), ...common }),
      clients: identity.clients,
    });
    this.options = { ...secretsOf(material.byDefault), ...common };
    this.asksAny = asksAny(all);
    this.#names = new ServerNames(
      make(material.byDefault),
      new Map([...material.byName].map(([name, identity]) => [name, make(identity)])),
    );
  }

  /** What clients get that ask for this name; without a name, or with another one, that of the default. */
  of(servername: string | false | null | undefined): NameContext {
    return this.#names.of(servername);
  }
}

function commonOptions(material: TlsMaterial): SecureContextOptions {
  const { minVersion, ciphers, sessionTimeout, ticketKeys, rules } = material;
  const { SSL_OP_NO_RENEGOTIATION, SSL_OP_NO_TICKET } = constants;
  const isResumable = resumes(material);
  return {
    ...(isResumable ? { sessionTimeout, ticketKeys: Buffer.from(ticketKeys) } : {}),
    // In TLS 1.2 a client could begin anew, under another name than the one that it was judged by. Servers of Node keep no sessions, so
    // that without tickets none is resumed, in TLS 1.3 either.
    secureOptions: SSL_OP_NO_RENEGOTIATION | (isResumable ? 0 : SSL_OP_NO_TICKET),
    minVersion,
    ...(ciphers === undefined ? {} : { ciphers }),
    honorCipherOrder: true,
    // Tickets hold it, so that none is taken under other rules, whatever its key.
    sessionIdContext: rules.slice(0, SESSION_ID_CONTEXT_LENGTH),
  };
}
