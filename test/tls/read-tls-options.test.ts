import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../dist/options/option-error.js';
import { readTlsOptions } from '../../dist/tls/read-tls-options.js';
import { fileOf, pair, pem } from './certificates.js';

const own = pair('default');
const ca = pem('clients-ca.crt');

function refusalOf(value: unknown): ConfigError {
  try {
    readTlsOptions(value);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

describe('the option tls', () => {
  it('is complete with a certificate and a key', () => {
    expect(readTlsOptions(own)).toEqual({
      byDefault: {
        option: 'tls',
        cert: [{ kind: 'text', text: own.cert }],
        key: [{ kind: 'text', text: own.key }],
        ca: [],
        caOption: 'tls.ca',
        passphrase: undefined,
        clients: 'unasked',
      },
      byName: new Map(),
      minVersion: 'TLSv1.2',
      ciphers: undefined,
      sessionTimeout: 3600,
    });
  });

  it('takes PEM as text, as bytes, and as the URL of a file', () => {
    const { href } = fileOf('default.key');
    const file = { kind: 'file', path: fileURLToPath(href) };
    const text = { kind: 'text', text: own.key };
    const given = [own.key, Buffer.from(own.key), new TextEncoder().encode(own.key), fileOf('default.key'), href];
    expect(readTlsOptions({ ...own, key: given }).byDefault.key).toEqual([text, text, text, file, file]);
  });

  it('can be posted to another thread', () => {
    const description = readTlsOptions({ cert: fileOf('default.crt'), key: own.key, sni: { 'a.example': own } });
    expect(structuredClone(description)).toEqual(description);
  });

  it('takes null for what is not given, as other options do', () => {
    const none = { ca: null, passphrase: null, requestCert: null, sni: null, minVersion: null, ciphers: null };
    expect(readTlsOptions({ ...own, ...none, sessionTimeout: null })).toEqual(readTlsOptions(own));
  });

  it('gives each name the rules for clients that the default has, unless the name has its own', () => {
    const other = pem('other-clients-ca.crt');
    const { byName } = readTlsOptions({
      ...own,
      ca,
      requestCert: true,
      sni: {
        'a.example': own,
        'b.example': { ...own, requestCert: 'optional' },
        'c.example': { ...own, requestCert: false },
        'd.example': { ...own, ca: other },
      },
    });
    const rules = [...byName].map(
      ([
        name,
        {
          clients,
          ca: [first],
          caOption,
        },
      ]) => [name, clients, first, caOption],
    );
    const [ofDefault, ofName] = [ca, other].map((text) => ({ kind: 'text', text }));
    expect(rules).toEqual([
      ['a.example', 'required', ofDefault, 'tls.ca'],
      ['b.example', 'optional', ofDefault, 'tls.ca'],
      ['c.example', 'unasked', ofDefault, 'tls.ca'],
      ['d.example', 'required', ofName, 'tls.sni.d.example.ca'],
    ]);
  });

  it.each([0, 1, 43_200])('may let sessions be resumed for %i seconds', (sessionTimeout) => {
    expect(readTlsOptions({ ...own, sessionTimeout }).sessionTimeout).toBe(sessionTimeout);
  });

  it('may have authorities that only its names use', () => {
    const { byDefault, byName } = readTlsOptions({ ...own, ca, sni: { 'a.example': { ...own, requestCert: true } } });
    expect([byDefault.clients, byName.get('a.example')?.clients]).toEqual(['unasked', 'required']);
  });

  const a = (more: object) => ({ ...own, sni: { 'A.example': { ...own, ...more } } });
  it.each<[string, unknown, string, RegExp]>([
    ['no object', 'sentinel', 'tls', /^tls must be an object with cert and key, got a string$/],
    ['an array', [own], 'tls', /got an array/],
    ['a URL', fileOf('default.crt'), 'tls', /got an object/],
    ['a wrong name', { ...own, kye: 'sentinel' }, 'tls.kye', /^tls: there is no option 'kye'.*did you mean key/],
    ['no certificate', { key: own.key }, 'tls.cert', /^tls\.cert is missing/],
    ['no key', { cert: own.cert }, 'tls.key', /^tls\.key is missing/],
    ['an empty array', { ...own, cert: [] }, 'tls.cert', /empty array/],
    ['a path', { ...own, key: '/etc/sentinel.key' }, 'tls.key', /pathToFileURL/],
    ['a relative URL', { ...own, key: 'file:sentinel.key' }, 'tls.key', /must be PEM or the URL of a file/],
    ['a URL of another machine', { ...own, key: 'file://sentinel/key' }, 'tls.key', /must be absolute/],
    ['another URL', { ...own, key: new URL('https://sentinel.example/') }, 'tls.key', /must be PEM or the URL/],
    ['a number', { ...own, key: 5 }, 'tls.key', /got a number/],
    ['an object in an array', { ...own, key: [{ pem: 'sentinel' }] }, 'tls.key', /got an object/],
    ['a passphrase that is no string', { ...own, passphrase: { sentinel: 1 } }, 'tls.passphrase', /got an object/],
    ['an empty passphrase', { ...own, passphrase: '' }, 'tls.passphrase', /got an empty string/],
    ['a wrong requestCert', { ...own, ca, requestCert: 'sentinel' }, 'tls.requestCert', /'optional', got a string/],
    ['requestCert without ca', { ...own, requestCert: true }, 'tls.ca', /^tls\.ca is missing: requestCert needs/],
    ['an optional certificate without ca', { ...own, requestCert: 'optional' }, 'tls.ca', /^tls\.ca is missing/],
    ['ca without requestCert', { ...own, ca }, 'tls.ca', /has no effect, because requestCert is not set/],
    ['a wrong version', { ...own, minVersion: 'sentinel' }, 'tls.minVersion', /one of TLSv1\.2, TLSv1\.3/],
    ['a time below the range', { ...own, sessionTimeout: -1 }, 'tls.sessionTimeout', /from 0 to 43200.*got -1/],
    ['a time beyond the range', { ...own, sessionTimeout: 43_201 }, 'tls.sessionTimeout', /got 43201/],
    ['a time with a fraction', { ...own, sessionTimeout: 0.5 }, 'tls.sessionTimeout', /got 0\.5/],
    ['a time as text', { ...own, sessionTimeout: 'sentinel' }, 'tls.sessionTimeout', /got a string/],
    ['ciphers that are no string', { ...own, ciphers: ['sentinel'] }, 'tls.ciphers', /got an array/],
    ['names that are no object', { ...own, sni: 'sentinel' }, 'tls.sni', /got a string/],
    ['a name that is an address', { ...own, sni: { '10.0.0.1': own } }, 'tls.sni', /not "10\.0\.0\.1"/],
    ['a name twice', { ...own, sni: { 'a.example': own, 'A.example.': own } }, 'tls.sni', /a\.example twice/],
    ['a name without a key', a({ key: undefined }), 'tls.sni.a.example.key', /is missing/],
    ['a name with names', a({ sni: {} }), 'tls.sni.a.example.sni', /there is no option 'sni'/],
    ['a name without authorities', a({ requestCert: true }), 'tls.sni.a.example.ca', /is missing/],
    ['a name with useless authorities', a({ ca }), 'tls.sni.a.example.ca', /has no effect/],
    ['a name with a wrong key', a({ key: 'sentinel' }), 'tls.sni.a.example.key', /got a string that is neither/],
    ['a name that is no object', { ...own, sni: { 'a.example': 'sentinel' } }, 'tls.sni.a.example', /got a string/],
  ])('refuses %s, and shows nothing of it', (_, value, option, message) => {
    const error = refusalOf(value);
    expect(error).toMatchObject({ code: 'WSLOOM_CONFIG', option });
    expect(error.message).toMatch(message);
    expect(inspect(error, { depth: null, showHidden: true })).not.toMatch(/sentinel|BEGIN (PRIVATE|CERT)/);
  });
});
