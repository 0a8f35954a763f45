import { fileURLToPath } from 'node:url';
import { types } from 'node:util';
import { ConfigError } from '../options/option-error.js';
import { excerpt } from '../options/shown.js';
import { unknownOption } from '../options/unknown-option.js';
import { refusal } from './refusal.js';
import { canonicalName } from './server-names.js';
import {
  type ClientCertificates,
  type IdentityDescription,
  MIN_VERSIONS,
  type PemSource,
  type TlsDescription,
} from './tls-description.js';

/** In seconds. Beyond it the keys have changed: see {@link TICKET_KEYS_MS}. */
const MAX_SESSION_TIMEOUT = 43_200;
const DEFAULT_SESSION_TIMEOUT = 3600;

const IDENTITY_NAMES = ['cert', 'key', 'ca', 'passphrase', 'requestCert'] as const;
const NAMES = [...IDENTITY_NAMES, 'sni', 'minVersion', 'ciphers', 'sessionTimeout'] as const;

type Given = { readonly [Name in (typeof NAMES)[number]]?: unknown };

/** What a name has of the default if it has none of its own. */
type Inherited = Pick<IdentityDescription, 'ca' | 'caOption' | 'clients'>;

/**
 * Checks the option `tls` without reading a file, and completes it. Messages say of what type a wrong value is, and nothing of it.
 * @throws ConfigError whose `option` is `tls`, `tls.key`, `tls.sni.example.com.key`, …
 */
export function readTlsOptions(value: unknown): TlsDescription {
  const given = readObject('tls', value, NAMES, 'an object with cert and key');
  const byDefault = readIdentity('tls', given, { ca: [], caOption: 'tls.ca', clients: 'unasked' });
  const byName = readNames(given.sni, byDefault);
  expectUseOfAuthorities([byDefault, ...byName.values()]);
  return {
    byDefault,
    byName,
    minVersion: readMinVersion(given.minVersion),
    ciphers: readText('tls.ciphers', given.ciphers),
    sessionTimeout: readSessionTimeout(given.sessionTimeout),
  };
}

function readNames(value: unknown, inherited: Inherited): Map<string, IdentityDescription> {
  const found = new Map<string, IdentityDescription>();
  if (isMissing(value)) return found;
  for (const [name, one] of Object.entries(expectObject('tls.sni', value, 'an object of certificates by names'))) {
    const canonical = canonicalName(name);
    if (canonical === undefined) {
      throw refusal('tls.sni', `has names of hosts, like example.com or *.example.com, and not ${excerpt(name)}`);
    }
    if (found.has(canonical)) throw refusal('tls.sni', `has the name ${canonical} twice`);
    const option = `tls.sni.${canonical}`;
    const given = readObject(option, one, IDENTITY_NAMES, 'an object with cert and key');
    found.set(canonical, readIdentity(option, given, inherited));
  }
  return found;
}

function readIdentity(option: string, given: Given, inherited: Inherited): IdentityDescription {
  const clients = isMissing(given.requestCert)
    ? inherited.clients
    : readClients(`${option}.requestCert`, given.requestCert);
  const hasOwnAuthorities = !isMissing(given.ca);
  const ca = hasOwnAuthorities ? readSources(`${option}.ca`, given.ca) : inherited.ca;
  if (clients !== 'unasked' && ca.length === 0) {
    throw refusal(`${option}.ca`, 'is missing: requestCert needs the authorities whose certificates are trusted');
  }
  if (clients === 'unasked' && hasOwnAuthorities && option !== 'tls') throw uselessAuthorities(`${option}.ca`);
  return {
    option,
    cert: readSources(`${option}.cert`, given.cert),
    key: readSources(`${option}.key`, given.key),
    ca,
    caOption: hasOwnAuthorities ? `${option}.ca` : inherited.caOption,
    passphrase: readText(`${option}.passphrase`, given.passphrase),
    clients,
  };
}

/** Somebody who gives authorities expects that clients are asked. The default's may be for names only. */
function expectUseOfAuthorities([byDefault, ...byName]: readonly IdentityDescription[]): void {
  if (byDefault === undefined || byDefault.ca.length === 0) return;
  const isUsed = [byDefault, ...byName].some(({ ca, clients }) => ca === byDefault.ca && clients !== 'unasked');
  if (!isUsed) throw uselessAuthorities('tls.ca');
}

function uselessAuthorities(option: string): ConfigError {
  const instead = 'Certificates between yours and a root belong into cert, behind yours';
  return refusal(option, `has no effect, because requestCert is not set. ${instead}`);
}

function readClients(option: string, value: unknown): ClientCertificates {
  if (value === 'optional') return value;
  if (typeof value === 'boolean') return value ? 'required' : 'unasked';
  throw refusal(option, `must be true, false or 'optional', got ${typeOf(value)}`);
}

function readMinVersion(value: unknown): TlsDescription['minVersion'] {
  if (isMissing(value)) return 'TLSv1.2';
  const known = MIN_VERSIONS.find((one) => one === value);
  if (known !== undefined) return known;
  throw refusal('tls.minVersion', `must be one of ${MIN_VERSIONS.join(', ')}, got ${typeOf(value)}`);
}

function readSessionTimeout(value: unknown): number {
  if (isMissing(value)) return DEFAULT_SESSION_TIMEOUT;
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_SESSION_TIMEOUT) {
    return value as number;
  }
  const got = typeof value === 'number' ? String(value) : typeOf(value);
  throw refusal('tls.sessionTimeout', `must be an integer from 0 to ${MAX_SESSION_TIMEOUT} (seconds), got ${got}`);
}

function readText(option: string, value: unknown): string | undefined {
  if (isMissing(value)) return undefined;
  if (typeof value === 'string' && value !== '') return value;
  throw refusal(option, `must be a string that is not empty, got ${typeOf(value)}`);
}

function readSources(option: string, value: unknown): PemSource[] {
  if (isMissing(value)) throw refusal(option, 'is missing: tls needs cert and key');
  const all: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (all.length === 0) throw refusal(option, 'must not be an empty array');
  return all.map((one) => readSource(option, one));
}

function readSource(option: string, value: unknown): PemSource {
  if (types.isUint8Array(value)) return { kind: 'text', text: new TextDecoder().decode(value) };
  const text = typeof value === 'string' ? value : hrefOf(value);
  if (text === undefined) throw refusal(option, `must be PEM or the URL of a file, got ${typeOf(value)}`);
  if (text.includes('-----BEGIN ')) return { kind: 'text', text };
  if (!/^file:\/\//i.test(text)) {
    const got = 'got a string that is neither; for a path write pathToFileURL(path)';
    throw refusal(option, `must be PEM or the URL of a file, ${got}`);
  }
  try {
    return { kind: 'file', path: fileURLToPath(text) };
  } catch {
    throw refusal(option, 'is the URL of no file: it must be absolute, and of this machine');
  }
}

/** The href of a URL, which may be of another realm. */
function hrefOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { href, protocol } = value as { readonly href?: unknown; readonly protocol?: unknown };
  return typeof href === 'string' && typeof protocol === 'string' ? href : undefined;
}

function readObject(option: string, value: unknown, names: readonly string[], what: string): Given {
  const given = expectObject(option, value, what);
  const unknown = unknownOption(given, names);
  if (unknown === undefined) return given;
  throw new ConfigError(`${option}.${unknown.name}`, `${option}: ${unknown.message}`);
}

function expectObject(option: string, value: unknown, what: string): object {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value) && !types.isUint8Array(value);
  if (isObject && hrefOf(value) === undefined) return value as object;
  throw refusal(option, `must be ${what}, got ${typeOf(value)}`);
}

/** As with other options, null is as good as nothing. */
function isMissing(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

/** What a value is, for a message that must not show it. */
function typeOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (Array.isArray(value)) return 'an array';
  if (value === '') return 'an empty string';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
