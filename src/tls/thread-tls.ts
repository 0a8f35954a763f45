import type { SecureContext, SecureContextOptions, TLSSocket, Server as TlsServer } from 'node:tls';
import type { TlsContexts } from './tls-contexts.js';

/** What the rules say about the client of a connection, after its handshake. */
export interface ClientVerdict {
  /** Whether it gets a connection. */
  readonly isAdmitted: boolean;
  /** Whether it has shown a certificate that was asked for, and that an authority of its name vouches for. */
  readonly isAuthorized: boolean;
  /** Why it is not authorized, in a word: `NO_CERTIFICATE`, `CERT_HAS_EXPIRED`; undefined if it is, or was not asked. */
  readonly reason: string | undefined;
}

/** What a server of `node:tls` or `node:https` is created with. */
export interface TlsServerOptions extends SecureContextOptions {
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
  readonly SNICallback: (
    this: unknown,
    servername: string,
    callback: (error: Error | null, context?: SecureContext) => void,
  ) => void;
}

/** A method of Node's TLS sockets that is not documented. The same in Node 20, 22, 24 and 26. */
interface VerifyMode {
  setVerifyMode?(asks: boolean, requires: boolean): void;
}

/**
 * The TLS of one thread: what its server is created with, the exchange of certificates while it runs, and the verdict on clients.
 *
 * In Node a server asks all of its clients for a certificate, or none. Here that differs by name. So the server asks if any name does, lets
 * everybody finish the handshake, and {@link judge} says afterwards who is admitted. OpenSSL verifies a certificate against the
 * authorities of the name's own context. Every connection has to be judged before its first byte is used.
 */
export class ThreadTls {
  #contexts: TlsContexts;

  constructor(contexts: TlsContexts) {
    this.#contexts = contexts;
  }

  /** For `https.createServer`. */
  get serverOptions(): TlsServerOptions {
    const tls = this;
    return {
      ...this.#contexts.options,
      ...modeOf(this.#contexts),
      // Node calls it as a method of the socket.
      SNICallback(servername, callback) {
        callback(null, tls.#choose(servername, this));
      },
    };
  }

  /** The context for clients that ask for this name. */
  contextFor(servername: string | false | null | undefined): SecureContext {
    return this.#contexts.of(servername).context;
  }

  /**
   * Exchanges all contexts of a server that was created with {@link serverOptions}. Connections stay as they are. A handshake that is
   * under way is judged by the new rules; the certificate of its client was verified against the authorities from when it began.
   */
  exchange(contexts: TlsContexts, server: TlsServer): void {
    server.setSecureContext(contexts.options);
    // The server looks at these for each connection. There is no method that sets them. If they did nothing, nobody would be asked, and
    // whoever needs a certificate would be refused.
    Object.assign(server, modeOf(contexts));
    this.#contexts = contexts;
  }

  /** Judges a client by the rules of the name that it has asked for. To be called once its handshake is over (`secureConnection`). */
  judge(
    socket: Pick<TLSSocket, 'authorized' | 'authorizationError' | 'getPeerX509Certificate' | 'isSessionReused'> & {
      readonly servername?: string | false | null;
    },
  ): ClientVerdict {
    const { clients } = this.#contexts.of(socket.servername);
    if (clients === 'unasked') return { isAdmitted: true, isAuthorized: false, reason: undefined };
    const reason = reasonAgainst(socket);
    return { isAdmitted: reason === undefined || clients === 'optional', isAuthorized: reason === undefined, reason };
  }

  /**
   * Whether a request may be for this host on a connection whose handshake was for this name. Otherwise a client could ask for a name
   * that wants no certificate, and then talk to another one that does. A request that may not is to be answered with 421
   * (RFC 9110 section 15.5.20). As long as no name asks for certificates, every host may be asked for.
   * @param host as in the header Host: a name or an address, with a port or without.
   */
  covers(servername: string | false | null | undefined, host: string): boolean {
    if (!this.#contexts.asksAny) return true;
    return this.#contexts.of(host.replace(/:\d*$/, '')) === this.#contexts.of(servername);
  }

  #choose(servername: string, socket: unknown): SecureContext {
    const { context, clients } = this.#contexts.of(servername);
    // Spares clients the question where it is of no use: browsers put it to their user. And says by an alert what is missing.
    // Where this method is not there, everybody is asked, and the verdict is the same.
    const handle = (socket as { readonly _handle?: VerifyMode | null } | undefined)?._handle;
    if (this.#contexts.asksAny) handle?.setVerifyMode?.(clients !== 'unasked', clients === 'required');
    return context;
  }
}

/** Node is not to refuse by itself: it would say so to nobody, and it does not know the rules of each name. */
function modeOf({ asksAny }: TlsContexts): Pick<TlsServerOptions, 'requestCert' | 'rejectUnauthorized'> {
  return { requestCert: asksAny, rejectUnauthorized: false };
}

/**
 * Node 20 and 22 call a resumed session of TLS 1.3 authorized although its client has never shown a certificate. Sessions are not resumed
 * where certificates are asked for; here this is seen to once more.
 */
function reasonAgainst(
  socket: Pick<TLSSocket, 'authorized' | 'authorizationError' | 'getPeerX509Certificate' | 'isSessionReused'>,
): string | undefined {
  if (socket.isSessionReused()) return 'SESSION_REUSED';
  if (socket.getPeerX509Certificate() === undefined) return 'NO_CERTIFICATE';
  return socket.authorized ? undefined : String(socket.authorizationError ?? 'NOT_VERIFIED');
}
