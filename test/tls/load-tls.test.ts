import { execFileSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError } from '../../dist/options/option-error.js';
import type { TlsMaterial } from '../../dist/tls/tls-material.js';
import { resumes, rotateTicketKeys, secretsOf } from '../../dist/tls/tls-material.js';
import type { TlsOptions } from '../../dist/tls/tls-options.js';
import { fileOf, materialOf, pair, pem } from './certificates.js';

const folder = mkdtempSync(join(tmpdir(), 'wsloom-tls-'));
afterAll(() => rmSync(folder, { recursive: true }));

const own = pair('default');
const PASSPHRASE = 'sentinel-passphrase';

/** A file with this text. */
function fileWith(name: string, text: string): URL {
  const path = join(folder, name);
  writeFileSync(path, text);
  return pathToFileURL(path);
}

async function refusalOf(options: TlsOptions): Promise<ConfigError> {
  const error = await materialOf(options).then(
    () => new Error('it was taken'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof ConfigError) return error;
  throw error;
}

/** Whatever of the secrets might appear: lines of keys and certificates, and the passphrase. */
const SECRETS = new Set(
  ['default.key', 'default-rsa.key', 'a.key', 'encrypted.key', 'default.crt']
    .flatMap((name) => pem(name).split('\n'))
    .filter((line) => line.length > 10 && !line.startsWith('-----'))
    .concat(PASSPHRASE),
);

describe('loading TLS', () => {
  it('makes material of texts and files, that can be posted to another thread', async () => {
    const material = await materialOf({
      cert: fileOf('default.crt'),
      key: fileOf('default.key'),
      sni: { '*.b.example': pair('b') },
    });
    expect(material.byDefault).toEqual({
      cert: [own.cert],
      key: [own.key],
      ca: [],
      passphrase: undefined,
      clients: 'unasked',
      validFrom: Date.UTC(2020, 0, 1),
      validTo: Date.UTC(2126, 0, 1),
    });
    expect(material.byName.get('*.b.example')?.cert).toEqual([pem('b.crt')]);
    expect(structuredClone(material)).toEqual(material);
    expect(material.ticketKeys.byteLength).toBe(48);
    expect(material.ticketKeys.buffer.byteLength).toBe(48);
  });

  it('takes a file that holds both the certificate and the key, and text around them', async () => {
    const both = `Some text\n${own.key}\nmore\r\n${own.cert}`;
    const { byDefault } = await materialOf({ cert: both, key: both });
    expect([byDefault.cert, byDefault.key]).toEqual([[own.cert], [own.key]]);
  });

  it('takes a chain, an encrypted key with its passphrase, and certificates of two kinds in any order', async () => {
    await materialOf({ cert: pem('chain.crt'), key: pem('chained.key') });
    await materialOf({ cert: own.cert, key: pem('encrypted.key'), passphrase: PASSPHRASE });
    await materialOf({ ...own, passphrase: PASSPHRASE });
    const rsa = pair('default-rsa');
    await materialOf({ cert: [own.cert, rsa.cert], key: [rsa.key, own.key] });
  });

  it('reads a file once, however often it is named: a pipe has nothing to give a second time', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const pending = materialOf({
      cert: pathToFileURL(pipe),
      key: pathToFileURL(pipe),
      sni: { 'a.example': pair('a') },
    });
    await writeFile(pipe, own.key + own.cert);
    expect((await pending).byDefault.cert).toEqual([own.cert]);
  });

  it('has no authorities where nobody is asked, also if names have those of the default', async () => {
    const ca = pem('clients-ca.crt');
    const sni = { 'a.example': { ...pair('a'), requestCert: true }, 'b.example': pair('b') };
    const { byDefault, byName } = await materialOf({ ...own, ca, sni });
    expect([byDefault.ca, byName.get('a.example')?.ca, byName.get('b.example')?.ca]).toEqual([[], [ca], []]);
  });

  it('trusts nobody without authorities, and not those whom Node trusts', async () => {
    expect(secretsOf((await materialOf(own)).byDefault).ca).toEqual([]);
  });

  it('takes a file of 4 MiB', async () => {
    const cert = fileWith('full', own.cert.padEnd(4_194_304));
    expect((await materialOf({ ...own, cert })).byDefault.cert).toEqual([own.cert]);
  });

  it('takes a certificate that has expired', async () => {
    expect((await materialOf(pair('expired'))).byDefault.validTo).toBe(Date.UTC(2021, 0, 1));
  });

  const AS_PATH = /^tls\.\w+ must name a file, and is what should be in it: a certificate or key$/;
  const insideOf = (key: string) => key.replace(/-----.*-----|\n/g, '');
  /** The base64 of keys that begins as theirs does, and is as long: of one for Ed25519, and of one in the form of SEC 1. */
  const [ED25519, SEC1] = ['MC4CAQAwBQYDK2VwBCIEI'.padEnd(64, 'sentinel'), 'MHcCAQEEI'.padEnd(164, 'sentinel')];
  const linkToItself = (name: string) => {
    const path = join(folder, name);
    symlinkSync(path, path);
    return pathToFileURL(path);
  };
  const publicKeyOf = (key: string) => createPublicKey(key).export({ type: 'spki', format: 'pem' }) as string;
  /** OpenSSL signs with such a key, and then does not take the certificate. */
  const weakPair = () => {
    const [cert, key] = [join(folder, 'weak.crt'), join(folder, 'weak.key')];
    const args = ['req', '-x509', '-newkey', 'rsa:512', '-nodes', '-subj', '/CN=weak', '-keyout', key, '-out', cert];
    execFileSync('openssl', args, { stdio: 'ignore' });
    return { cert: pathToFileURL(cert), key: pathToFileURL(key) };
  };
  const damaged = (text: string) => text.replace(/\nM\S+/, '\nMsentinelAAA');
  it.each<[string, TlsOptions, string, RegExp]>([
    [
      'a file that is not there',
      { ...own, key: pathToFileURL('/nowhere/x.key') },
      'tls.key',
      /^tls\.key \/nowhere\/x\.key cannot be read: there is no such file \(ENOENT\)$/,
    ],
    [
      'a folder',
      { ...own, cert: pathToFileURL('/tmp') },
      'tls.cert',
      /^tls\.cert \/tmp cannot be read: it is a folder \(EISDIR\)$/,
    ],
    [
      'a file in what is no folder',
      { ...own, cert: new URL('x', `${fileWith('file', '').href}/`) },
      'tls.cert',
      /^tls\.cert \S+file\/x cannot be read: a part of its path is no folder \(ENOTDIR\)$/,
    ],
    [
      'a link that leads to itself',
      { ...own, cert: linkToItself('circle') },
      'tls.cert',
      /^tls\.cert \S+circle cannot be read: its links go around in a circle \(ELOOP\)$/,
    ],
    ['an empty file', { ...own, key: fileWith('empty', '') }, 'tls.key', /^tls\.key \S+empty is empty$/],
    [
      'a file that is too large',
      { ...own, key: fileWith('large', 'x'.repeat(4_194_305)) },
      'tls.key',
      /has 4194305 bytes, which is too much/,
    ],
    // A shell has put the text where the path was to be. Files of such names are not there.
    ['the URL of a key itself', { ...own, key: pathToFileURL(own.key) }, 'tls.key', AS_PATH],
    ['the URL of a longer key itself', { ...own, key: pathToFileURL(pem('default-rsa.key')) }, 'tls.key', AS_PATH],
    ['the URL of a certificate itself', { ...own, cert: pathToFileURL(own.cert) }, 'tls.cert', AS_PATH],
    ['the URL of a key in base64', { ...own, key: pathToFileURL(btoa(own.key)) }, 'tls.key', AS_PATH],
    ['the URL of the inside of a key', { ...own, key: pathToFileURL(insideOf(own.key)) }, 'tls.key', AS_PATH],
    ['the URL of the inside of a short key', { ...own, key: pathToFileURL(ED25519) }, 'tls.key', AS_PATH],
    ['the URL of the inside of a key of SEC 1', { ...own, key: pathToFileURL(SEC1) }, 'tls.key', AS_PATH],
    [
      'a certificate in DER',
      { ...own, cert: fileWith('der', `${String.fromCharCode(0x30, 0x82, 0)}\u00ff`) },
      'tls.cert',
      /^tls\.cert \S+der has no certificate in PEM .*, but bytes that are no text: convert DER or PKCS #12 with openssl$/,
    ],
    [
      'a certificate that is cut off',
      { ...own, cert: own.cert.slice(0, 300) },
      'tls.cert',
      /^tls\.cert has a certificate that is cut off: its line -----END … is missing$/,
    ],
    [
      'a key that is cut off',
      { ...own, key: own.key.slice(0, 100) },
      'tls.key',
      /^tls\.key has a private key that is cut off/,
    ],
    [
      'a public key',
      { ...own, key: publicKeyOf(own.key) },
      'tls.key',
      /has no private key in PEM .*, but a public key$/,
    ],
    [
      'a key of OpenSSH',
      { ...own, key: own.key.replaceAll('PRIVATE KEY', 'OPENSSH PRIVATE KEY') },
      'tls.key',
      /^tls\.key has a private key of OpenSSH, which is not for TLS: make a copy, and convert it with ssh-keygen -p -m PKCS8 -f/,
    ],
    [
      'a certificate that OpenSSL does not take',
      weakPair(),
      'tls.cert',
      /^tls\.cert \S+weak\.crt is not taken by OpenSSL, with its key: ee key too small$/,
    ],
    ['a key as certificate', { cert: own.key, key: own.key }, 'tls.cert', /^tls\.cert has no certificate.*mixed up/],
    ['a certificate as key', { cert: own.cert, key: own.cert }, 'tls.key', /^tls\.key has no private key.*mixed up/],
    [
      'a damaged certificate',
      { ...own, cert: damaged(own.cert) },
      'tls.cert',
      /^tls\.cert has a certificate that is damaged$/,
    ],
    [
      'a damaged second certificate',
      { ...own, cert: own.cert + damaged(own.cert) },
      'tls.cert',
      /has certificate 2 of 2 that is damaged/,
    ],
    ['a damaged key', { ...own, key: damaged(own.key) }, 'tls.key', /^tls\.key has a private key that is damaged$/],
    [
      'two keys in one text',
      { ...own, key: own.key + pem('a.key') },
      'tls.key',
      /^tls\.key has 2 private keys, and may have one$/,
    ],
    [
      'another key',
      { ...own, key: pem('a.key') },
      'tls.cert',
      /^tls\.cert has a first certificate that does not belong to the key$/,
    ],
    ['another key of a file', { ...own, key: fileOf('a.key') }, 'tls.cert', /does not belong to the key \/.*a\.key$/],
    ['another key of another kind', { ...own, key: pem('default-rsa.key') }, 'tls.cert', /does not belong to the key/],
    [
      'a chain in the wrong order',
      { cert: pem('chain-reversed.crt'), key: pem('chained.key') },
      'tls.cert',
      /a later one does: put the certificate of the server first/,
    ],
    ['a key too many', { ...own, key: [own.key, pem('a.key')] }, 'tls.key', /none of the certificates belongs to/],
    [
      'two certificates of a kind',
      { cert: [own.cert, pem('a.crt')], key: [own.key, pem('a.key')] },
      'tls.cert',
      /second certificate for keys of the kind ec/,
    ],
    [
      'an encrypted key without a passphrase',
      { ...own, key: fileOf('encrypted.key') },
      'tls.key',
      /encrypted\.key is encrypted, and there is no passphrase: set passphrase in code, or decrypt the key: openssl pkey -in/,
    ],
    [
      'a wrong passphrase',
      { ...own, key: pem('encrypted.key'), passphrase: `${PASSPHRASE}!` },
      'tls.key',
      /^tls\.key cannot be decrypted with the passphrase$/,
    ],
    ['an authority that is none', { ...own, ca: own.key, requestCert: true }, 'tls.ca', /^tls\.ca has no certificate/],
    [
      'ciphers that there are not',
      { ...own, ciphers: 'sentinel' },
      'tls.ciphers',
      /^tls\.ciphers has no cipher suites/,
    ],
    [
      'a name with another key',
      { ...own, sni: { 'a.example': { ...own, key: pem('a.key') } } },
      'tls.sni.a.example.cert',
      /^tls\.sni\.a\.example\.cert has a first certificate/,
    ],
    [
      'an authority of the default that is none',
      { ...own, ca: own.key, sni: { 'a.example': { ...own, requestCert: true } } },
      'tls.ca',
      /^tls\.ca has/,
    ],
  ])('refuses %s, and shows nothing of it', async (_, options, option, message) => {
    const error = await refusalOf(options);
    expect(error).toMatchObject({ code: 'WSLOOM_CONFIG', option });
    expect(error.message).toMatch(message);
    const shown = `${inspect(error, { depth: null, showHidden: true })}${inspect(error.cause)}${error.stack}`;
    expect([...SECRETS].filter((secret) => shown.includes(secret))).toEqual([]);
    expect(shown).not.toContain('sentinel');
  });

  it('has the error of the file system as the cause, where it shows nothing', async () => {
    const { cause } = await refusalOf({ ...own, key: pathToFileURL('/nowhere/x.key') });
    expect(cause).toMatchObject({ code: 'ENOENT', syscall: 'open' });
  });
});

describe('the keys of tickets', () => {
  const ca = pem('clients-ca.crt');
  const base: TlsOptions = { ...own, sni: { 'a.example': pair('a') } };
  /** Whether the keys of before are kept. */
  const keeps = async (before: TlsOptions, after: TlsOptions) => {
    const first = await materialOf(before);
    const second = await materialOf(after, first);
    expect(Buffer.compare(first.ticketKeys, second.ticketKeys) === 0).toBe(first.rules === second.rules);
    return first.rules === second.rules;
  };

  it('are new for every server', async () => {
    const [first, second] = [await materialOf(own), await materialOf(own)];
    expect(Buffer.compare(first.ticketKeys, second.ticketKeys)).not.toBe(0);
  });

  it('stay when a certificate is renewed, with its key', async () => {
    expect(await keeps(base, { ...base, ...pair('renewed') })).toBe(true);
    expect(await keeps(base, { ...base, sni: { 'a.example': pair('b') } })).toBe(true);
    expect(await keeps(base, { ...base, sessionTimeout: 5 })).toBe(true);
  });

  const asking: TlsOptions = { ...base, ca, requestCert: 'optional' };
  it.each<[string, TlsOptions, TlsOptions]>([
    ['a name comes', base, { ...base, sni: { ...base.sni, 'b.example': own } }],
    ['a name goes', base, own],
    ['a name changes', base, { ...base, sni: { '*.a.example': pair('a') } }],
    ['clients are asked', base, asking],
    ['clients are not asked any more', asking, base],
    ['clients have to show a certificate', asking, { ...asking, requestCert: true }],
    ['an authority is exchanged', asking, { ...asking, ca: pem('other-clients-ca.crt') }],
    ['an authority is added', asking, { ...asking, ca: [ca, pem('other-clients-ca.crt')] }],
    ['a name asks', base, { ...base, sni: { 'a.example': { ...pair('a'), ca, requestCert: true } } }],
    ['the lowest version changes', base, { ...base, minVersion: 'TLSv1.3' }],
    ['the ciphers change', base, { ...base, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }],
  ])('change when %s', async (_, before, after) => {
    expect(await keeps(before, after)).toBe(false);
  });

  it('are rotated without a change of anything else', async () => {
    const material = await materialOf(base);
    const rotated = rotateTicketKeys(material);
    expect(Buffer.compare(rotated.ticketKeys, material.ticketKeys)).not.toBe(0);
    const without = ({ ticketKeys: _, ...rest }: TlsMaterial) => rest;
    expect(without(rotated)).toEqual(without(material));
  });

  it('are used only if no name asks clients for a certificate, and the time is not 0', async () => {
    const named = { ...base, sni: { 'a.example': { ...pair('a'), ca, requestCert: 'optional' as const } } };
    const all = [base, asking, named, { ...base, sessionTimeout: 0 }];
    expect((await Promise.all(all.map((one) => materialOf(one)))).map(resumes)).toEqual([true, false, false, false]);
  });
});
