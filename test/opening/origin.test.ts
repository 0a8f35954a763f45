import { describe, expect, it } from 'vitest';
import { hostRule, isSameOrigin, loopbackHosts, originRule } from '../../dist/opening/origin.js';

describe('an origin is the same', () => {
  it.each([
    ['http://example.org', 'example.org', 'neither has a port'],
    ['http://example.org:8080', 'example.org:8080', 'both have it'],
    ['http://example.org', 'example.org:80', 'the port that is said is the default one of http'],
    ['https://example.org', 'example.org:443', 'of https'],
    ['ws://example.org', 'example.org:80', 'of ws'],
    ['wss://example.org', 'example.org:443', 'of wss'],
    ['https://example.org', 'example.org', 'a proxy in front of the server has ended TLS'],
    ['HTTP://EXAMPLE.org', 'example.ORG', 'case differs'],
    ['http://127.0.0.1:8080', '127.0.0.1:8080', 'it is an IPv4 address'],
    ['http://[::1]:8080', '[::1]:8080', 'it is an IPv6 address'],
    ['http://[0:0:0:0:0:0:0:1]', '[::1]', 'it is an IPv6 address, written otherwise'],
    ['chrome-extension://abcdef', 'abcdef', 'its scheme has no default port, and neither has Host'],
  ])('%s, asked for %s: %s', (origin, host) => {
    expect(isSameOrigin(origin, host)).toBe(true);
  });
});

describe('an origin is foreign', () => {
  it.each([
    ['http://example.com', 'example.org', 'the host differs'],
    ['http://www.example.org', 'example.org', 'it is a subdomain'],
    ['http://example.org.evil.example', 'example.org', 'it only begins alike'],
    ['http://example.org.', 'example.org', 'a dot is another name'],
    ['http://example.org:8080', 'example.org', 'the port differs'],
    ['https://example.org', 'example.org:80', 'the port is the default one of another scheme'],
    ['http://example.org:443', 'example.org', 'the port is that of another scheme'],
    ['chrome-extension://abcdef', 'localhost:8080', 'an extension is no page of ours'],
    ['null', 'localhost', 'null has no host'],
    ['null', 'null', 'null is no host, even where Host says so'],
    ['file://', 'localhost', 'a file has no host'],
    ['file://localhost', 'localhost', 'a file has no host, even if it says so'],
    ['', 'localhost', 'there is nothing'],
    ['localhost', 'localhost', 'there is no scheme'],
    ['http://', 'localhost', 'there is no host'],
    ['http:// example.org', 'example.org', 'there is space'],
    ['http://example.org:99999', 'example.org', 'the port is none'],
    ['data:text/html,x', 'x', 'it is an opaque URL'],
    ['http://example.org', '', 'Host is empty'],
    ['http://example.org', 'exam ple.org', 'Host is malformed'],
    ['http://example.org', 'example.org:x', "Host's port is malformed"],
  ])('%j, asked for %j: %s', (origin, host) => {
    expect(isSameOrigin(origin, host)).toBe(false);
  });
});

describe('a list of origins', () => {
  const rule = originRule([
    'https://example.org',
    'http://localhost:3000',
    'null',
    'chrome-extension://abcdef',
    'http://[::1]',
  ]);

  it.each([
    'https://example.org',
    'https://example.org:443',
    'HTTPS://Example.ORG',
    'http://localhost:3000',
    'null',
    'chrome-extension://abcdef',
    'http://[0::1]:80',
  ])('allows %s', (origin) => {
    expect(rule(origin, 'any.example')).toBe(true);
  });

  it.each([
    'http://example.org',
    'https://example.org:8443',
    'https://sub.example.org',
    'http://localhost',
    'chrome-extension://abcdefg',
    'NULL',
    '*',
    '',
    'example.org',
    'file://',
  ])('does not allow %j', (origin) => {
    expect(rule(origin, 'example.org')).toBe(false);
  });

  it('replaces the rule of the same origin', () => {
    expect(originRule(['https://example.org'])('http://own.example', 'own.example')).toBe(false);
    expect(originRule([])('http://own.example', 'own.example')).toBe(false);
  });

  it('with a star allows everything, malformed or not', () => {
    const all = originRule(['https://example.org', '*']);
    for (const origin of ['http://elsewhere.example', 'null', 'file://', 'what is this', '']) {
      expect(all(origin, 'localhost')).toBe(true);
    }
  });

  it.each([
    '',
    'example.org',
    '//example.org',
    'https://',
    'https://example.org/',
    'https://example.org/path',
    'https://example.org?query',
    'https://example.org#part',
    'https://user@example.org',
    'https://exam ple.org',
    'https://example.org:99999',
    'https://*.example.org',
  ])('cannot hold %j, which would never match', (entry) => {
    expect(() => originRule(['https://example.org', entry])).toThrow(
      `must be origins like 'https://example.org', or '*', got ${JSON.stringify(entry)}`,
    );
  });
});

describe('a list of origins with file://', () => {
  it('allows what embedded clients and pages of files say, and no other', () => {
    const rule = originRule(['file://']);
    expect(['file://', 'null', 'https://example.org', '', 'file'].map((origin) => rule(origin, 'localhost'))).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});

describe('a list of hosts', () => {
  const rule = hostRule(['Example.org', 'localhost:8080', '[::1]', '10.0.0.1:80']);

  it.each([
    'example.org',
    'EXAMPLE.ORG',
    'example.org:80',
    'example.org:8443',
    'localhost:8080',
    '[::1]',
    '[0:0:0:0:0:0:0:1]:9000',
    '10.0.0.1',
    '10.0.0.1:80',
  ])('allows %s', (host) => {
    expect(rule(host)).toBe(true);
  });

  it.each([
    'localhost',
    'localhost:8081',
    '10.0.0.1:81',
    'example.org.evil.example',
    'sub.example.org',
    '[::2]',
    '::1',
    '',
    ' ',
    'example.org:x',
  ])('does not allow %j', (host) => {
    expect(rule(host)).toBe(false);
  });

  it('with a star allows everything', () => {
    const all = hostRule(['localhost', '*']);
    for (const host of ['elsewhere.example:1', '', 'what is this']) expect(all(host)).toBe(true);
  });

  it.each([
    '',
    '::1',
    'http://example.org',
    'example.org/',
    'example.org:x',
    'example.org:99999',
    'a b',
    '*.example.org',
  ])('cannot hold %j', (entry) => {
    expect(() => hostRule(['localhost', entry])).toThrow(
      `must be names or addresses, with a port or without, or '*', got ${JSON.stringify(entry)}`,
    );
  });
});

describe('a server on a loopback address', () => {
  it.each(['127.0.0.1', '127.0.0.5', '::1'])(
    '%s may be asked for by its names with any port, and by no other',
    (address) => {
      const rule = hostRule(loopbackHosts(address) ?? []);
      for (const host of ['localhost', 'localhost:8080', 'LOCALHOST', '127.0.0.1:1', '[::1]', '[::1]:8080']) {
        expect(rule(host)).toBe(true);
      }
      expect(rule(address.includes(':') ? `[${address}]:80` : `${address}:80`)).toBe(true);
      for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.nip.io', '127.0.0.9', '[::2]', '']) {
        expect(rule(host)).toBe(false);
      }
    },
  );

  it.each(['0.0.0.0', '::', '192.168.1.1', '2001:db8::1', '128.0.0.1'])(
    'is not one on %s, which has no rule',
    (address) => {
      expect(loopbackHosts(address)).toBeUndefined();
    },
  );
});
