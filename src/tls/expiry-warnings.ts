import type { Logger } from '../telemetry/logger.js';
import { type CertificateDays, certificateDays } from './certificate-days.js';
import type { TlsMaterial } from './tls-material.js';

const DAY_MS = 86_400_000;

/** From this time on before a certificate expires, the log says so each day. */
const WARNING_MS = 14 * DAY_MS;

/** Warns in the log of certificates that expire soon: once a day, and at once when one has expired or is not valid yet. */
export class ExpiryWarnings {
  readonly #log: Pick<Logger, 'warn'>;
  /** When each warning was given last, so that an exchange of other certificates does not repeat it. */
  readonly #warned = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(log: Pick<Logger, 'warn'>) {
    this.#log = log;
  }

  /** Looks at these certificates from now on, instead of those of before. */
  watch(material: TlsMaterial): void {
    const now = Date.now();
    const certificates = certificateDays(material, now);
    for (const one of certificates) this.#warnOf(one, now);
    const ends = certificates.map(({ validTo }) => validTo - now).filter((left) => left > 0);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.watch(material), Math.min(DAY_MS, ...ends)).unref();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #warnOf(certificate: CertificateDays, now: number): void {
    const state = stateOf(certificate, now);
    if (state === undefined) return;
    const key = `${certificate.name ?? ''} ${certificate.validTo} ${state.kind}`;
    if (now - (this.#warned.get(key) ?? Number.NEGATIVE_INFINITY) < DAY_MS) return;
    this.#warned.set(key, now);
    const whose = certificate.name === undefined ? 'the certificate' : `the certificate of ${certificate.name}`;
    this.#log.warn(`tls: ${whose} ${state.words}`);
  }
}

function stateOf({ daysLeft, validFrom, validTo }: CertificateDays, now: number) {
  if (validTo <= now) return { kind: 'expired', words: `has expired on ${dateOf(validTo)}: clients refuse it` };
  if (validFrom > now) return { kind: 'early', words: `is valid from ${dateOf(validFrom)} on: clients refuse it` };
  if (validTo - now > WARNING_MS) return undefined;
  const days = daysLeft === 0 ? 'within a day' : daysLeft === 1 ? 'in 1 day' : `in ${daysLeft} days`;
  return { kind: 'soon', words: `expires ${days}, on ${dateOf(validTo)}` };
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
}
