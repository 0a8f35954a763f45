import { X509Certificate } from 'node:crypto';
import { types } from 'node:util';
import { OptionError } from '../options/option-error.js';
import { shown } from '../options/shown.js';

/** One or several texts of certificates in PEM, each as a string or as bytes; each may hold several certificates. */
export type Certificates = string | Uint8Array | readonly (string | Uint8Array)[];

const CERTIFICATE = /-----BEGIN [A-Z0-9 ]*CERTIFICATE-----/;
const PRIVATE_KEY = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/;

/** Checks the first certificate of each text: TLS would ignore text that is no certificate, and then trust nobody. @throws OptionError */
export function checkCertificates(ca: Certificates | undefined): void {
  if (ca === undefined) return;
  for (const certificates of [ca].flat()) {
    const text = types.isUint8Array(certificates) ? new TextDecoder().decode(certificates) : certificates;
    if (typeof text !== 'string' || !CERTIFICATE.test(text)) throw refusal(whatInstead(certificates));
    try {
      new X509Certificate(text);
    } catch (cause) {
      throw refusal((cause as Error).message, { cause });
    }
  }
}

/** What was given instead of certificates. Nothing of a key is shown. */
function whatInstead(given: unknown): string {
  const text = types.isUint8Array(given) ? new TextDecoder().decode(given) : String(given);
  if (PRIVATE_KEY.test(text)) return 'a private key';
  if (types.isUint8Array(given)) return `${given.length} bytes without one`;
  return `${shown(given)}: give what is in the file, not its path`;
}

function refusal(what: string, options?: ErrorOptions): OptionError {
  return new OptionError('ca', `ca must be certificates in PEM, got ${what}`, options);
}
