import { X509Certificate } from 'node:crypto';
import { OptionError } from '../options/option-error.js';
import { excerpt } from '../options/shown.js';

/** One or several files of certificates in PEM; each may hold several certificates. */
export type Certificates = string | Buffer | readonly (string | Buffer)[];

const PEM = /-----BEGIN [A-Z0-9 ]*CERTIFICATE-----/;

/** Checks the first certificate of each file: TLS would ignore text that is no certificate, and then trust nobody. @throws OptionError */
export function checkCertificates(ca: Certificates | undefined): void {
  if (ca === undefined) return;
  for (const certificates of [ca].flat()) {
    if (!PEM.test(String(certificates))) throw refusal(excerpt(String(certificates)));
    try {
      new X509Certificate(certificates);
    } catch (cause) {
      throw refusal((cause as Error).message, { cause });
    }
  }
}

function refusal(what: string, options?: ErrorOptions): OptionError {
  return new OptionError('ca', `ca must be certificates in PEM, got ${what}`, options);
}
