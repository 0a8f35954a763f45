import { describe, expect, it } from 'vitest';
import { isServerName, readAddress } from '../../dist/client/address.js';
import { secured, unixAddressOf } from '../../dist/primary/server-address.js';

describe('a ws or wss URI (section 3)', () => {
  it.each([
    ['ws://a', { isSecure: false, host: 'a', port: 80, authority: 'a', target: '/' }],
    ['WSS://A.example/', { isSecure: true, host: 'a.example', port: 443, authority: 'a.example', target: '/' }],
    ['ws://a:80/', { port: 80, authority: 'a' }],
    ['ws://a:443/', { port: 443, authority: 'a:443' }],
    ['ws://127.0.0.1:8080/p/a?q=1&r', { host: '127.0.0.1', authority: '127.0.0.1:8080', target: '/p/a?q=1&r' }],
    ['ws://[::1]:9/é ?ü', { host: '::1', authority: '[::1]:9', target: '/%C3%A9%20?%C3%BC' }],
    ['wss://bücher.example/', { host: 'xn--bcher-kva.example', authority: 'xn--bcher-kva.example' }],
    ['ws://a/b%23c?d%23', { host: 'a', target: '/b%23c?d%23' }],
  ])('%s leads where it says', (url, address) => {
    expect(readAddress(url)).toMatchObject(address);
    expect(readAddress(new URL(url))).toMatchObject(address);
  });

  it.each([
    ['ws+unix:/run/a.sock:/', '/run/a.sock', '/'],
    ['ws+unix:/run/a.sock', '/run/a.sock', '/'],
    ['ws+unix:/run/a.sock:', '/run/a.sock', '/'],
    ['ws+unix:///run/a.sock:/p/b?q=1&r', '/run/a.sock', '/p/b?q=1&r'],
    ['ws+unix:a.sock:/p:1?q=:', 'a.sock', '/p:1?q=:'],
    ['ws+unix:/a%20b%3A%3F%23%25%C3%A9:/', '/a b:?#%é', '/'],
  ])('%s leads to a unix socket, as for the package ws', (url, socketPath, target) => {
    const address = { isSecure: false, socketPath, target, authority: 'localhost' };
    expect(readAddress(url)).toMatchObject(address);
    expect(readAddress(new URL(url))).toMatchObject(address);
  });

  it('of wss+unix leads to a unix socket on which TLS is spoken', () => {
    const address = { isSecure: true, socketPath: '/run/a.sock', target: '/p?q', authority: 'localhost' };
    expect(readAddress('wss+unix:/run/a.sock:/p?q')).toMatchObject(address);
    expect(readAddress(secured(unixAddressOf('/run/a.sock')).url)).toMatchObject({ ...address, target: '/' });
  });

  it.each(['/run/a.sock', '/run/a b:c?d#e%41.sock', '/run/é.sock'])(
    'leads to the unix socket %j that a server has named',
    (path) => {
      expect(readAddress(unixAddressOf(path).url).socketPath).toBe(path);
    },
  );

  it.each([
    'ws+unix:',
    'ws+unix::/',
    'ws+unix://host/a.sock:/',
    'ws+unix:/a:b',
    'ws+unix:/a%ff:/',
    'ws+unix:/a#b',
    'wss+unix:/a:b',
    'wss+unix:',
    'http+unix:/a:/',
  ])('is not %j', (url) => {
    expect(() => readAddress(url)).toThrow(expect.objectContaining({ code: 'WSLOOM_OPTION', option: 'url' }));
  });

  it('has a server name for TLS unless its host is an address', () => {
    const names = ['wss://localhost/', 'wss://127.0.0.1/', 'wss://[::1]/'].map((url) => isServerName(readAddress(url)));
    expect(names).toEqual([true, false, false]);
  });

  it.each([
    ['http://a/b', 'ws://a/b'],
    ['https://a', 'wss://a'],
    ['a.example:8080/b', 'ws://a.example:8080/b'],
    ['127.0.0.1:80', 'ws://127.0.0.1:80'],
    ['[::1]:80', 'ws://[::1]:80'],
  ])('says of %s what may have been meant', (url, meant) => {
    expect(() => readAddress(url)).toThrow(`; did you mean "${meant}"`);
  });

  it.each(['a', 'ftp://a', 'http://u:p@a', 'mailto:a@b', ''])('suggests nothing for %j', (url) => {
    expect(() => readAddress(url)).toThrow(/^(?!.*did you mean)/);
  });

  it.each(['', 'a', '//a', 'http://a', 'https://a', 'ws://', 'ws://a#b', 'ws://u@a', 'ws://:p@a', 'ws://a:65536'])(
    'is not %j',
    (url) => {
      const read = () => readAddress(url);
      expect(read).toThrow(expect.objectContaining({ code: 'WSLOOM_OPTION', option: 'url' }));
    },
  );
});
