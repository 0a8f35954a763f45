import { isCertificate, isPrivateKey, type PemBlock, pemBlocks } from './pem.js';

/** Why a text has no certificate, for an error message behind the name of its file. */
export function whyNoCertificate(text: string): string {
  return (
    whyNothing(text, 'a certificate', isCertificate) ??
    `has no certificate in PEM (-----BEGIN CERTIFICATE-----)${whatInstead(text, isPrivateKey, 'a private key')}`
  );
}

/** Why a text has no private key, for an error message behind the name of its file. */
export function whyNoPrivateKey(text: string): string {
  return (
    whyNothing(text, 'a private key', isPrivateKey) ??
    `has no private key in PEM (-----BEGIN PRIVATE KEY-----)${whatInstead(text, isCertificate, 'a certificate')}`
  );
}

function whyNothing(text: string, what: string, isWanted: (block: PemBlock) => boolean): string | undefined {
  if (text.trim() === '') return 'is empty';
  const [, label] = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text) ?? [];
  if (label === undefined || !isWanted({ label, text })) return undefined;
  return `has ${what} that is cut off: its line -----END … is missing`;
}

function whatInstead(text: string, isOther: (block: PemBlock) => boolean, other: string): string {
  const blocks = pemBlocks(text);
  if (blocks.some(isOther)) return `, but ${other}: were cert and key mixed up?`;
  if (blocks.some(({ label }) => label.endsWith('PUBLIC KEY'))) return ', but a public key';
  // What is no UTF-8 is replaced when a file is read as text.
  const isBinary = blocks.length === 0 && /[\0\ufffd]/.test(text);
  return isBinary ? ', but bytes that are no text: convert DER or PKCS #12 with openssl' : '';
}
