/**
 * Certificates or a key in PEM: the text itself, as a string or as bytes, or the URL of a file that holds it, as a `URL` or as a string
 * that begins with `file://`. A file is read when the server starts, and again whenever it changes. A plain path is refused: write
 * `pathToFileURL('/etc/ssl/live.key')`.
 */
export type Pem = string | Uint8Array | URL;

/** The certificate that a server shows, and which certificates it wants to see of its clients. */
export interface TlsCertificateOptions {
  /**
   * The certificate of the server in PEM, followed by those of the authorities between it and a root. Several, in an array, are of
   * different kinds (ECDSA, RSA), each with its key in `key`, and each client gets the kind that it can verify. A certificate that
   * has expired is used, with a warning in the log.
   */
  readonly cert: Pem | readonly Pem[];
  /** The private key of the certificate in PEM. For several certificates an array, in any order. */
  readonly key: Pem | readonly Pem[];
  /**
   * The certificates of the authorities whose client certificates are trusted, in PEM. `requestCert` needs it: the authorities of
   * the system are never asked about clients.
   *
   * @default none; under `sni` that of the default
   */
  readonly ca?: Pem | readonly Pem[];
  /** What an encrypted private key is decrypted with. It appears in no log, error or statistic. */
  readonly passphrase?: string;
  /**
   * Whether clients have to show a certificate. With true, a client without a valid one gets no connection. With 'optional' it gets
   * one, and the hook `upgrade` sees `authorized: false`. If any name asks for certificates, no session is resumed: every
   * connection is a full handshake.
   *
   * @default false; under `sni` that of the default
   */
  readonly requestCert?: boolean | 'optional';
}

/** How a server speaks TLS: `createServer({ tls: { cert, key } })`. What cannot be used is a {@link ConfigError}. */
export interface TlsOptions extends TlsCertificateOptions {
  /**
   * Certificates for names that clients ask for (SNI): 'example.com' for itself only, '*.example.com' for exactly one label in its
   * place. A name goes before a wildcard. Clients that ask for another name, or for none, get the certificate of the default.
   * A name has `ca` and `requestCert` of the default where it has none of its own, so that nobody gets around them by asking for
   * another name.
   */
  readonly sni?: Readonly<Record<string, TlsCertificateOptions>>;
  /**
   * The lowest version of TLS that clients may speak.
   *
   * @default 'TLSv1.2'
   */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /**
   * The cipher suites, in the order in which the server prefers them, as OpenSSL writes them: names with colons between them.
   *
   * @default those of Node
   */
  readonly ciphers?: string;
  /**
   * How long a client may resume its session by a ticket, in seconds, as in `node:tls`. All threads take each other's tickets. The
   * keys of tickets change every 12 hours, so that a ticket may be refused earlier; then a full handshake follows. Raising it saves
   * more handshakes, and makes a session's secrets live longer. From 1 to 43 200, or 0: no resumption.
   *
   * @default 3 600
   */
  readonly sessionTimeout?: number;
}
