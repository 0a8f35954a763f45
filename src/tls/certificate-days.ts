import type { TlsMaterial } from './tls-material.js';

const DAY_MS = 86_400_000;

/** How long a certificate is valid. */
export interface CertificateDays {
  /** The name of the option `sni` that it is for; undefined for the default. */
  readonly name: string | undefined;
  /** Whole days until it expires; negative once it has. */
  readonly daysLeft: number;
  /** When it begins to be valid, and when it expires, in ms since 1970. */
  readonly validFrom: number;
  readonly validTo: number;
}

/** How long each certificate is valid. Where a name has several, the first to expire counts. @param now in ms since 1970. */
export function certificateDays({ byDefault, byName }: TlsMaterial, now: number): CertificateDays[] {
  return [[undefined, byDefault] as const, ...byName].map(([name, { validFrom, validTo }]) => ({
    name,
    daysLeft: Math.floor((validTo - now) / DAY_MS),
    validFrom,
    validTo,
  }));
}
