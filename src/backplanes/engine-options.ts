import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { types } from 'node:util';
import { ConfigError } from '../options/option-error.js';
import { readFileUpTo } from '../options/read-file-up-to.js';
import { shown } from '../options/shown.js';
import { unknownOption } from '../options/unknown-option.js';

/**
 * TLS to an engine. Certificates and keys are texts in PEM, or files, which are read at once, and again for every connection. Without
 * an authority, those that Node trusts are trusted.
 */
export interface EngineTls {
  /** The certificates of the authorities that are trusted. */
  readonly ca?: string | Uint8Array;
  /** The certificate by which this process shows who it is. */
  readonly cert?: string | Uint8Array;
  /** The private key of the certificate. */
  readonly key?: string | Uint8Array;
  /** The path of a file, instead of `ca`. */
  readonly caFile?: string;
  /** The path of a file, instead of `cert`. */
  readonly certFile?: string;
  /** The path of a file, instead of `key`. */
  readonly keyFile?: string;
  /**
   * The name that the engine's certificate must have.
   * @default the host that is connected to
   */
  readonly servername?: string;
}

/** Where an engine listens. */
export interface EngineAddress {
  /** A name, or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
}

const DEFAULT_PREFIX = 'wsloom';
const PREFIX = /^[A-Za-z0-9_-]{1,64}$/;
const TLS_NAMES: readonly (keyof EngineTls)[] = ['ca', 'cert', 'key', 'caFile', 'certFile', 'keyFile', 'servername'];

/** @throws ConfigError */
export function wrong(message: string): ConfigError {
  return new ConfigError('backplane', `backplane: ${message}`);
}

/** Checks that there is an object with no other members than those. Values are not shown: they may be passwords. */
export function checkNames(options: unknown, names: readonly string[]): void {
  if (!isObject(options)) throw wrong(`the options must be an object, got ${kindOf(options)}`);
  const unknown = unknownOption(options, names);
  if (unknown !== undefined) throw wrong(unknown.message);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What is given instead of an object. Texts are not shown: they may be passwords, or keys. */
function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'string' ? 'a string' : shown(value);
}

/** Checks that members are strings that are not empty, where they are given. */
export function checkTexts(options: object, names: readonly string[]): void {
  for (const name of names) {
    const value = Reflect.get(options, name) as unknown;
    if (value === undefined) continue;
    if (typeof value !== 'string') throw wrong(`${name} must be a string, got a ${typeof value}`);
    if (value === '') throw wrong(`${name} must not be empty`);
  }
}

/** The application's prefix: processes with different ones share an engine, and no messages. */
export function readPrefix(prefix: unknown): string {
  if (prefix === undefined) return DEFAULT_PREFIX;
  if (typeof prefix === 'string' && PREFIX.test(prefix)) return prefix;
  throw wrong(`prefix must be 1 to 64 letters, digits, - or _, got ${shown(prefix)}`);
}

/** Reads one or several addresses such as `host`, `host:6379` or `[::1]:6379`. */
export function readAddresses(given: unknown, name: string, defaultPort: number): EngineAddress[] {
  const addresses = given === undefined ? ['127.0.0.1'] : [given].flat();
  if (addresses.length === 0) throw wrong(`${name} must name at least one address`);
  return addresses.map((address) => readAddress(address, name, defaultPort));
}

function readAddress(address: unknown, name: string, defaultPort: number): EngineAddress {
  if (typeof address !== 'string')
    throw wrong(`${name} must be addresses like host:${defaultPort}, got a ${typeof address}`);
  const [, bracketed, plain, digits] = /^(?:\[([\da-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(address) ?? [];
  if (address.includes('://')) {
    throw wrong(
      `${name} must be addresses like host:${defaultPort}, got a URL: give that to createServer({ backplane }) itself`,
    );
  }
  const host = bracketed ?? plain;
  const port = digits === undefined ? defaultPort : Number(digits);
  if (host === undefined || port < 1 || port > 65_535) {
    // A password may be there: of a whole URL, or of one without its @, or that was cut at a space.
    const found = /^(?:[^:@]+(?::\d+)?)?$/.test(address) ? shown(address) : 'something else, which is not shown';
    throw wrong(`${name} must be addresses like host:${defaultPort}, got ${found}`);
  }
  return { host, port };
}

/** An address as people write it. */
export function shownAddress({ host, port }: EngineAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Checks the options of TLS. The files are read, so that a wrong path is found at the start, and read again for each connection.
 * @returns undefined for a connection without TLS.
 */
export function readTls(tls: unknown): EngineTls | undefined {
  if (tls === undefined || tls === false) return undefined;
  if (tls === true) return {};
  if (!isObject(tls)) {
    throw wrong(`tls must be true, or an object of ${TLS_NAMES.join(', ')}, got ${kindOf(tls)}`);
  }
  const unknown = unknownOption(tls, TLS_NAMES);
  if (unknown !== undefined) throw wrong(`tls: ${unknown.message}`);
  const options = tls as EngineTls;
  checkTexts(options, ['caFile', 'certFile', 'keyFile', 'servername']);
  for (const name of ['ca', 'cert', 'key'] as const) {
    const value = options[name];
    if (value === undefined) continue;
    if (options[`${name}File`] !== undefined) throw wrong(`tls has both ${name} and ${name}File: give one of them`);
    if (types.isUint8Array(value) || (typeof value === 'string' && value.includes('-----BEGIN '))) continue;
    throw wrong(`tls.${name} must be a text in PEM; for the path of a file there is ${name}File`);
  }
  const has = (name: 'cert' | 'key') => options[name] !== undefined || options[`${name}File`] !== undefined;
  if (has('cert') !== has('key')) throw wrong('tls needs a certificate and its key, or neither');
  checkCertificates(options);
  return options;
}

/** Checks that the files can be read, that all is PEM, and that the key is that of the certificate. */
function checkCertificates(tls: EngineTls): void {
  const read = (name: 'ca' | 'cert' | 'key') => {
    const text = tls[name];
    if (text !== undefined) return typeof text === 'string' ? text : Buffer.from(text);
    const file = tls[`${name}File`];
    if (file === undefined) return undefined;
    try {
      return pemFile(file);
    } catch (error) {
      throw wrong(`tls: ${name}File cannot be read: ${(error as Error).message}`);
    }
  };
  const [ca, cert, key] = [read('ca'), read('cert'), read('key')];
  const check = (what: string, use: () => unknown) => {
    try {
      use();
    } catch (error) {
      throw wrong(`tls: ${what} cannot be used: ${(error as Error).message}`);
    }
  };
  if (ca !== undefined) check('the certificate of the authority', () => new X509Certificate(ca));
  if (cert !== undefined && key !== undefined) {
    check('the certificate with its key', () => createSecureContext({ cert, key }));
  }
}

/** What `node:tls` is given for a connection. The files are read now: they may have been exchanged. */
export async function loadTls(tls: EngineTls): Promise<{
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly servername?: string;
}> {
  const [ca, cert, key] = await Promise.all([
    pemOf(tls.ca, tls.caFile),
    pemOf(tls.cert, tls.certFile),
    pemOf(tls.key, tls.keyFile),
  ]);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(tls.servername === undefined ? {} : { servername: tls.servername }),
  };
}

/** Files beyond this are no certificates. */
const MAX_PEM_BYTES = 4 * 1024 * 1024;

/** @throws the error of the system, or one that says that it is no such file. */
function pemFile(file: string): Buffer {
  const bytes = readFileUpTo(file, MAX_PEM_BYTES);
  if (bytes === undefined) throw new Error('it has more than 4 MiB');
  return bytes;
}

async function pemOf(
  text: string | Uint8Array | undefined,
  file: string | undefined,
): Promise<string | Buffer | undefined> {
  if (file !== undefined) return pemFile(file);
  return typeof text === 'string' || text === undefined ? text : Buffer.from(text);
}
