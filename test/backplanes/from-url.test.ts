import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { backplaneOf } from '../../dist/backplanes/from-url.js';
import { nats, redis } from '../../dist/backplanes/index.js';
import { PackageCopy } from '../e2e/package-copy.js';
import { fileOf, pem } from '../tls/certificates.js';

const SECRET = 's3cret-Sentinel';
const path = (name: string) => fileURLToPath(fileOf(name));
const CA = path('servers-ca.crt');
const PAIR = { certFile: path('client.crt'), keyFile: path('client.key') };

/** The error of a URL or of options that cannot be used. */
function refusalOf(make: () => unknown): Error {
  try {
    make();
  } catch (error) {
    expect(error).toMatchObject({ code: 'WSLOOM_CONFIG', option: 'backplane' });
    return error as Error;
  }
  throw new Error('it was not refused');
}

describe('the URL of an engine', () => {
  it.each([
    ['nats://127.0.0.1', 'nats'],
    ['nats://a,b:1,[::1]:4222', 'nats'],
    ['nats://token@host', 'nats'],
    ['nats://user:pass@host:4222/', 'nats'],
    [`tls://host?prefix=chat&ca=${CA}`, 'nats'],
    [`tls://host?ca=${CA}&cert=${PAIR.certFile}&key=${PAIR.keyFile}`, 'nats'],
    ['redis://127.0.0.1:6379/0', 'redis'],
    ['REDIS://host', 'redis'],
    ['redis://:pass@host', 'redis'],
    ['redis://user:p%40ss%2F@a:1,b:2?prefix=x', 'redis'],
    ['rediss://user:p:a:s:s@host', 'redis'],
  ])('%s names %s', (url, name) => {
    expect(backplaneOf(url).name).toBe(name);
  });

  it.each([
    ['', 'the URL must begin with nats://, tls://, redis:// or rediss://, got something else'],
    ['localhost:6379', 'got something else'],
    ['http://host', 'got "http://"'],
    [' redis://host', 'must not begin or end with a space or a line break'],
    [`redis://:${SECRET}@host\n`, 'must not begin or end with a space or a line break'],
    ['redis://a,redis://b', 'these are several URLs, and one is needed: give several engines as a list'],
    [`redis://:${SECRET}@a; nats://b`, 'these are several URLs'],
    [`nats://user:${SECRET}@a nats://user:${SECRET}@b`, 'these are several URLs'],
    ['reddis://host', 'did you mean redis://'],
    ['redis://', 'the URL must name a host: redis://host'],
    ['redis://host:0', 'nodes must be addresses like host:6379, got "host:0"'],
    ['redis://host:70000', 'got "host:70000"'],
    ['redis://a,,b', 'got ""'],
    ['redis://ho st', 'got "ho st"'],
    ['redis://host/5', 'all databases share their channels, got "/5"'],
    ['nats://host/x', 'a URL of NATS has no path, got "/x"'],
    ['nats://host#x', 'must not have a fragment'],
    ['redis://host?prefx=a', 'the URL has no parameter "prefx"; there are prefix, ca, cert, key; did you mean prefix'],
    ['redis://host?prefix=a&prefix=b', 'the URL has the parameter prefix twice'],
    ['redis://host?prefix=', 'the parameter prefix of the URL is empty'],
    ['redis://host?prefix=a.b', 'prefix must be 1 to 64 letters, digits, - or _, got "a.b"'],
    ['redis://host?ca=x', 'ca, cert and key are for TLS: rediss://'],
    ['nats://host?ca=x', 'ca, cert and key are for TLS: tls://'],
    ['rediss://host?ca=/dev/zero', 'tls: caFile cannot be read: it has more than 4 MiB'],
    ['rediss://host?ca=none.crt', "tls: caFile cannot be read: ENOENT: no such file or directory, open 'none.crt'"],
    ['tls://host?ca=.', 'tls: caFile cannot be read: EISDIR'],
    [`rediss://host?ca=${path('client.key')}`, 'tls: the certificate of the authority cannot be used: '],
    ['rediss://host?cert=x', 'tls needs a certificate and its key, or neither'],
    [`redis://${SECRET}@host`, 'a password alone stands behind a colon: redis://:password@host'],
    [`redis://user:${SECRET}/@host`, 'must be percent-encoded'],
    [`redis://user:${SECRET}?@host`, 'must be percent-encoded'],
    [`redis://user:${SECRET}#@host`, 'must be percent-encoded'],
    [`redis://user:${SECRET}@x@host`, 'must be percent-encoded'],
    [`redis://user:${SECRET}%zz@host`, 'user and password must be percent-encoded in UTF-8'],
    [`redis://user:${SECRET}@host:x`, 'got something else, which is not shown'],
    // Somebody has forgotten what stands behind it, or a space has cut it off.
    [`redis://:${SECRET}`, 'got something else, which is not shown'],
    [`redis://user:${SECRET}`, 'got something else, which is not shown'],
    [`nats://user:${SECRET} more`, 'got something else, which is not shown'],
    [`redis://user:${SECRET}@`, 'must name a host'],
    [`http://user:${SECRET}@host`, 'got "http://"'],
    [`user:${SECRET}@host`, 'got something else'],
  ])('%s is refused: %s', (url, message) => {
    const error = refusalOf(() => backplaneOf(url));
    expect(error.message).toContain(message);
    expect(error.message).not.toContain(SECRET);
  });
});

describe('the options of an engine', () => {
  it.each([
    [
      () => nats({ server: 'x' } as object),
      "there is no option 'server'; there are creds, nkey, pass, prefix, servers, tls",
    ],
    [() => redis({ url: 'x' } as object), "there is no option 'url'"],
    [() => redis('redis://x' as never), 'the options must be an object, got a string'],
    [() => redis({ nodes: [] }), 'nodes must name at least one address'],
    [() => redis({ nodes: 5 as never }), 'got a number'],
    [
      () => redis({ nodes: `redis://user:${SECRET}@host` }),
      'nodes must be addresses like host:6379, got a URL: give that to createServer({ backplane }) itself',
    ],
    [() => redis({ nodes: `user:${SECRET}@host` }), 'got something else, which is not shown'],
    [() => redis({ password: 5 as never }), 'password must be a string, got a number'],
    [() => redis({ password: '' }), 'password must not be empty'],
    [() => redis({ username: 'me' }), 'username needs a password'],
    [() => nats({ pass: SECRET }), 'pass needs a user'],
    [() => nats({ user: 'me', token: SECRET }), 'give one of user, token, nkey and creds'],
    [() => nats({ nkey: `SU${SECRET}` }), 'nkey must be the seed of a user'],
    [
      () => redis({ tls: { ca: '/etc/ca.pem' } }),
      'tls.ca must be a text in PEM; for the path of a file there is caFile',
    ],
    [() => redis({ tls: { ca: '-----BEGIN ', caFile: 'x' } }), 'tls has both ca and caFile'],
    [() => redis({ tls: { key: `-----BEGIN ${SECRET}` } }), 'tls needs a certificate and its key'],
    [() => redis({ tls: { ...PAIR, keyFile: 'none.key' } }), 'tls: keyFile cannot be read: ENOENT'],
    [
      () => nats({ tls: { ...PAIR, keyFile: path('default.key') } }),
      'tls: the certificate with its key cannot be used: ',
    ],
    [
      () => redis({ tls: { cert: pem('client.crt'), key: '-----BEGIN PRIVATE KEY-----\nAAAA' } }),
      'tls: the certificate with its key cannot be used: ',
    ],
    [() => redis({ tls: { CA: 'x' } as object }), "tls: there is no option 'CA'; there are ca, "],
    [() => redis({ tls: 'yes' as never }), 'tls must be true, or an object of ca, cert, key, caFile,'],
    [() => nats({ tls: [SECRET] as never }), 'servername, got an array'],
    [() => nats([SECRET] as never), 'the options must be an object, got an array'],
  ])('are checked: %s', (make, message) => {
    const error = refusalOf(make);
    expect(error.message).toContain(message);
    expect(error.message).not.toContain(SECRET);
  });

  it('are of no use without the package', () => {
    using copy = new PackageCopy();
    const program = copy.write(
      'program.mjs',
      `import { backplaneOf } from './node_modules/wsloom/dist/backplanes/from-url.js';
       for (const url of ['redis://host', 'nats://host']) {
         try { backplaneOf(url); } catch (error) { console.log(error.code, error.message); }
       }`,
    );
    const { stdout, stderr } = spawnSync(process.execPath, [program], { encoding: 'utf8' });
    const nats = '@nats-io/transport-node';
    expect(stderr).toBe('');
    expect(stdout.split('\n')).toEqual([
      'WSLOOM_ENGINE a backplane of Redis needs the package redis, which is not installed: npm install redis',
      `WSLOOM_ENGINE a backplane of NATS needs the package ${nats}, which is not installed: npm install ${nats}`,
      '',
    ]);
  });
});

describe('the bounds of what a URL says', () => {
  it.each(['redis://host:65535', `redis://host?prefix=${'p'.repeat(64)}`])('%s is the most, and is taken', (url) => {
    expect(() => backplaneOf(url)).not.toThrow();
  });

  it.each(['redis://host:65536', `redis://host?prefix=${'p'.repeat(65)}`])('%s is one more, and is refused', (url) => {
    expect(() => backplaneOf(url)).toThrow(/must be/);
  });
});
