import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { whyNoCertificate, whyNoPrivateKey } from './not-in-pem.js';
import { isCertificate, isEncrypted, isPrivateKey, type PemBlock, pemBlocks } from './pem.js';
import { type ReadSource, readEachOnce } from './read-pem.js';
import { pemRefusal, refusal } from './refusal.js';
import type { IdentityDescription, PemSource, TlsDescription } from './tls-description.js';
import { secretsOf, type TlsIdentity, type TlsMaterial, withTicketKeys } from './tls-material.js';

/** Something in PEM, and where it comes from. */
interface Loaded<Value> {
  readonly source: PemSource;
  readonly value: Value;
}

interface Chain {
  readonly pem: string;
  /** The certificate of the server, and those behind it. */
  readonly certificates: readonly X509Certificate[];
}

interface Key {
  readonly pem: string;
  readonly key: KeyObject;
}

/**
 * Reads the files of a description, and checks that threads can speak TLS with them: everything is PEM, keys can be decrypted and belong to
 * their certificates, and OpenSSL takes them. A certificate that has expired is taken.
 * @param before what is in use now. Its ticket keys are kept unless what tickets vouch for has changed.
 * @throws ConfigError (rejects) that names the option and the file. Neither it nor its cause holds anything of a key or a passphrase.
 */
export async function loadTls(description: TlsDescription, before?: TlsMaterial): Promise<TlsMaterial> {
  const { byDefault, byName, minVersion, ciphers, sessionTimeout } = description;
  expectCiphers(description);
  const read = readEachOnce();
  const names = new Map<string, TlsIdentity>();
  const loaded = await loadIdentity(byDefault, description, read);
  for (const [name, one] of byName) names.set(name, await loadIdentity(one, description, read));
  return withTicketKeys({ byDefault: loaded, byName: names, minVersion, ciphers, sessionTimeout }, before);
}

async function loadIdentity(
  description: IdentityDescription,
  { minVersion, ciphers }: TlsDescription,
  read: ReadSource,
): Promise<TlsIdentity> {
  const { option, passphrase, clients, caOption } = description;
  const each = <Value>(name: string, sources: readonly PemSource[], parse: Parse<Value>) =>
    Promise.all(
      sources.map(async (source) => ({ source, value: parse(name, source, await read(name, source), passphrase) })),
    );
  const chains = await each(`${option}.cert`, description.cert, parseChain);
  const keys = await each(`${option}.key`, description.key, parseKey);
  const ca = await each(caOption, description.ca, parseChain);
  expectPairs(option, chains, keys);
  const identity = {
    cert: chains.map(({ value }) => value.pem),
    key: keys.map(({ value }) => value.pem),
    // Of the default, for names that ask.
    ca: clients === 'unasked' ? [] : ca.map(({ value }) => value.pem),
    passphrase,
    clients,
    validFrom: Math.max(...chains.map(({ value }) => Date.parse(ownOf(value).validFrom))),
    validTo: Math.min(...chains.map(({ value }) => Date.parse(ownOf(value).validTo))),
  };
  try {
    createSecureContext({ ...secretsOf(identity), minVersion, ...(ciphers === undefined ? {} : { ciphers }) });
  } catch (error) {
    const what = `is not taken by OpenSSL, with its key: ${reasonOf(error)}`;
    const [first, ...others] = description.cert;
    if (first === undefined || others.length > 0) throw refusal(`${option}.cert`, what);
    throw pemRefusal(`${option}.cert`, first, what);
  }
  return identity;
}

/** @throws ConfigError */
type Parse<Value> = (option: string, source: PemSource, text: string, passphrase: string | undefined) => Value;

function parseChain(option: string, source: PemSource, text: string): Chain {
  const found = pemBlocks(text).filter(isCertificate);
  if (found.length === 0) throw pemRefusal(option, source, whyNoCertificate(text));
  const certificates = found.map(({ text: pem }, index) => {
    try {
      return new X509Certificate(pem);
    } catch {
      const which = found.length === 1 ? 'a certificate' : `certificate ${index + 1} of ${found.length}`;
      throw pemRefusal(option, source, `has ${which} that is damaged`);
    }
  });
  return { pem: found.map((block) => block.text).join(''), certificates };
}

function parseKey(option: string, source: PemSource, text: string, passphrase: string | undefined): Key {
  const [block, ...others] = pemBlocks(text).filter(isPrivateKey);
  if (block === undefined) throw pemRefusal(option, source, whyNoPrivateKey(text));
  if (others.length > 0) throw pemRefusal(option, source, `has ${others.length + 1} private keys, and may have one`);
  if (isEncrypted(block) && passphrase === undefined) {
    const remedy = 'set passphrase in code, or decrypt the key: openssl pkey -in <this file> -out <another>';
    throw pemRefusal(option, source, `is encrypted, and there is no passphrase: ${remedy}`);
  }
  return { pem: block.text, key: decryptKey(option, source, block, passphrase) };
}

function decryptKey(option: string, source: PemSource, block: PemBlock, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key: block.text, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) });
  } catch {
    throw pemRefusal(option, source, whyNoKey(block));
  }
}

function whyNoKey(block: PemBlock): string {
  if (isEncrypted(block)) return 'cannot be decrypted with the passphrase';
  if (block.label !== 'OPENSSH PRIVATE KEY') return 'has a private key that is damaged';
  const remedy = 'make a copy, and convert it with ssh-keygen -p -m PKCS8 -f <the copy>';
  return `has a private key of OpenSSH, which is not for TLS: ${remedy}`;
}

/** @throws ConfigError unless each certificate has its key, each key its certificate, and no two are of the same kind. */
function expectPairs(option: string, chains: readonly Loaded<Chain>[], keys: readonly Loaded<Key>[]): void {
  const kinds = new Set<string | undefined>();
  for (const { source, value } of chains) {
    const own = ownOf(value);
    const { asymmetricKeyType } = own.publicKey;
    if (!keys.some(({ value: { key } }) => own.checkPrivateKey(key))) {
      const isLater = value.certificates.some((one) => keys.some(({ value: { key } }) => one.checkPrivateKey(key)));
      const hint = isLater ? '; a later one does: put the certificate of the server first' : '';
      const where = whereIs(keys);
      throw pemRefusal(`${option}.cert`, source, `has a first certificate that does not belong to ${where}${hint}`);
    }
    if (kinds.has(asymmetricKeyType)) {
      throw pemRefusal(`${option}.cert`, source, `is a second certificate for keys of the kind ${asymmetricKeyType}`);
    }
    kinds.add(asymmetricKeyType);
  }
  for (const { source, value } of keys) {
    if (chains.some((chain) => ownOf(chain.value).checkPrivateKey(value.key))) continue;
    throw pemRefusal(`${option}.key`, source, 'is a private key that none of the certificates belongs to');
  }
}

function whereIs(keys: readonly Loaded<Key>[]): string {
  const [{ source } = { source: undefined }] = keys;
  if (keys.length > 1) return 'any of the keys';
  return source?.kind === 'file' ? `the key ${source.path}` : 'the key';
}

function ownOf({ certificates: [own] }: Chain): X509Certificate {
  return own as X509Certificate; // parseChain returns no chain without one
}

function expectCiphers({ ciphers, minVersion }: TlsDescription): void {
  if (ciphers === undefined) return;
  try {
    createSecureContext({ ciphers, minVersion, ca: [] });
  } catch {
    throw refusal('tls.ciphers', 'has no cipher suites that OpenSSL knows: write their names with colons between them');
  }
}

/** What OpenSSL says is wrong, which is one of its fixed texts. */
function reasonOf(error: unknown): string {
  const { reason, code } = error as { readonly reason?: unknown; readonly code?: unknown };
  return String(reason ?? code ?? 'an unknown error');
}
