/** The certificate of a client, which an authority of the server vouches for. */
export interface ClientCertificate {
  /** Whom it is for, as lines such as `CN=sensor 7`. */
  readonly subject: string;
  /** Its other names, as `DNS:a.example, email:a@example.org`; undefined if it has none. */
  readonly subjectAltName: string | undefined;
  /** Who has issued it, in the form of `subject`. */
  readonly issuer: string;
  /** The number that its issuer has given it, in hexadecimal. */
  readonly serialNumber: string;
  /** Its SHA-256 fingerprint, in hexadecimal with colons. */
  readonly fingerprint256: string;
  /** When it expires, in ms since 1970. */
  readonly validTo: number;
}

/** The TLS of a connection. */
export interface ClientTls {
  /** The version of TLS: `TLSv1.3`. */
  readonly version: string;
  /** The name that the client has asked for (SNI); undefined if it has named none. */
  readonly servername: string | undefined;
  /** Whether the client has shown a certificate that was asked for (`requestCert`), and that an authority of `ca` vouches for. */
  readonly authorized: boolean;
  /** The certificate of the client; undefined unless it is authorized. */
  readonly certificate: ClientCertificate | undefined;
}
