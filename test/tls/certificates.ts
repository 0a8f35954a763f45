import { readFileSync } from 'node:fs';
import { loadTls } from '../../dist/tls/load-tls.js';
import { readTlsOptions } from '../../dist/tls/read-tls-options.js';
import type { TlsMaterial } from '../../dist/tls/tls-material.js';
import type { TlsOptions } from '../../dist/tls/tls-options.js';

/** A file of test/tls/certificates, also for tests that run from another folder. */
export function fileOf(name: string): URL {
  return new URL(`../../test/tls/certificates/${name}`, import.meta.url);
}

/** A file of test/tls/certificates, as text. */
export function pem(name: string): string {
  return readFileSync(fileOf(name), 'utf8');
}

/** The certificate and the key of one name. */
export function pair(name: string): { readonly cert: string; readonly key: string } {
  return { cert: pem(`${name}.crt`), key: pem(`${name}.key`) };
}

/** What a server makes of its option `tls`. */
export async function materialOf(options: TlsOptions, before?: TlsMaterial): Promise<TlsMaterial> {
  return await loadTls(readTlsOptions(options), before);
}
