import { readFileSync } from 'node:fs';

/** The version of this package; '' if its package.json is not where it belongs. */
export const PACKAGE_VERSION = readVersion();

function readVersion(): string {
  try {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    return (JSON.parse(text) as { readonly version: string }).version;
  } catch {
    return ''; // within a bundle: a server does not start there, and says so
  }
}
