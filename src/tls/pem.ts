/** A block of PEM (RFC 7468): `-----BEGIN LABEL-----` to `-----END LABEL-----`. */
export interface PemBlock {
  readonly label: string;
  /** The block with its first and its last line. */
  readonly text: string;
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;

/** All blocks of a text, in their order. Text between them is explanation, which many tools write. */
export function pemBlocks(text: string): PemBlock[] {
  return Array.from(text.matchAll(BLOCK), ([block, label = '']) => ({ label, text: `${block}\n` }));
}

/** Whether a block is a certificate. */
export function isCertificate({ label }: PemBlock): boolean {
  return label === 'CERTIFICATE' || label === 'X509 CERTIFICATE';
}

/** Whether a block is a private key, of whatever kind. */
export function isPrivateKey({ label }: PemBlock): boolean {
  return label === 'PRIVATE KEY' || label.endsWith(' PRIVATE KEY');
}

/** Whether a private key is encrypted: by PKCS #8, or in the older way of OpenSSL. */
export function isEncrypted({ label, text }: PemBlock): boolean {
  return label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type: *4, *ENCRYPTED/m.test(text);
}
