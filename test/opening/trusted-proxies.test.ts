import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TrustedProxies } from '../../dist/opening/trusted-proxies.js';
import { readIpAddress, showIpAddress } from '../../dist/protocol/opening/ip-address.js';

describe('trusted proxies', () => {
  test.each([
    [
      'loopback',
      ['127.0.0.1', '127.255.255.255', '::1', '::ffff:127.0.0.1'],
      ['128.0.0.1', '126.255.255.255', '::2', '::'],
    ],
    [
      'private',
      [
        '10.0.0.0',
        '10.255.255.255',
        '172.16.0.0',
        '172.31.255.255',
        '192.168.0.1',
        'fc00::',
        'fdff::1',
        '::ffff:10.0.0.1',
      ],
      [
        '9.255.255.255',
        '11.0.0.0',
        '172.15.255.255',
        '172.32.0.0',
        '192.167.0.1',
        '192.169.0.0',
        'fe00::',
        'fbff::',
        '127.0.0.1',
      ],
    ],
    [
      '192.0.2.1',
      ['192.0.2.1', '::ffff:192.0.2.1', '::FFFF:C000:201'],
      ['192.0.2.0', '192.0.2.2', '::192.0.2.1', '64:ff9b::192.0.2.1'],
    ],
    ['192.0.2.0/30', ['192.0.2.0', '192.0.2.3'], ['192.0.2.4', '192.0.1.255']],
    ['128.0.0.0/1', ['128.0.0.0', '255.255.255.255'], ['127.255.255.255', '8000::']],
    ['2001:DB8::/33', ['2001:db8::', '2001:db8:7fff::1'], ['2001:db8:8000::', '2001:db7::', '32.1.13.184']],
    ['2001:db8::1', ['2001:db8::1', '2001:0db8:0::0:1'], ['2001:db8::', '2001:db8::2']],
    ['2001:db8::1/128', ['2001:db8::1'], ['2001:db8::', '2001:db8::2']],
    ['fe80::/10', ['fe80::1%eth0', 'fe80::1%2', 'febf::1'], ['fec0::1%eth0']],
    ['::ffff:10.0.0.0/104', ['10.0.0.1', '::ffff:10.9.9.9'], ['11.0.0.1', '::ffff:11.0.0.1']],
    // Clients on IPv4 are not meant by a network of IPv6, even if one contains all of them.
    ['::/80', ['::1', '::fffe:192.0.2.1'], ['::ffff:192.0.2.1', '192.0.2.1']],
    ['::ffff:192.0.2.1', ['192.0.2.1', '::ffff:192.0.2.1'], ['192.0.2.2']],
  ])('by %s are %j, and not %j', (entry, trusted, others) => {
    const proxies = new TrustedProxies([entry]);
    for (const address of trusted) expect(proxies.trusts(address), address).toBe(true);
    for (const address of [...others, 'unix', '', 'localhost', '192.0.2.1:80', '1', undefined]) {
      expect(proxies.trusts(address), address).toBe(false);
    }
  });

  test('by unix are the peers of unix sockets, and nobody else', () => {
    const proxies = new TrustedProxies(['unix']);
    expect(proxies.trusts(undefined)).toBe(true);
    for (const address of ['127.0.0.1', '::1', '', 'unix']) expect(proxies.trusts(address)).toBe(false);
  });

  test('are those of any entry of the list', () => {
    const proxies = new TrustedProxies(['loopback', '192.0.2.0/24', 'unix', '2001:db8::/32']);
    for (const address of ['127.0.0.1', '192.0.2.9', undefined, '2001:db8::9'])
      expect(proxies.trusts(address)).toBe(true);
    expect(proxies.trusts('198.51.100.1')).toBe(false);
  });

  test('of an empty list are none', () => {
    for (const address of ['127.0.0.1', '::1', undefined]) expect(new TrustedProxies([]).trusts(address)).toBe(false);
  });

  test.each([
    '',
    'localhost',
    'Loopback',
    'toString',
    '__proto__',
    '*',
    'true',
    '192.0.2',
    '192.0.2.1/',
    '192.0.2.1/33',
    '192.0.2.0/024',
    '192.0.2.0/-1',
    '192.0.2.0/24/24',
    '192.0.2.0/1e1',
    '192.0.2.0/24 ',
    '192.0.2.01',
    '192.0.2.1:80',
    '[::1]',
    '::1/129',
    'fe80::1%eth0',
    '192.0.2.0/255.255.255.0',
    'unix:',
    '/run/proxy.sock',
  ])('cannot be given as %j', (entry) => {
    expect(() => new TrustedProxies(['loopback', entry])).toThrow(
      `must be addresses, networks like '10.0.0.0/8', or the names loopback, private and unix, got ${JSON.stringify(entry)}`,
    );
  });

  test.each([
    ['10.1.2.3/8', '10.1.2.3', '10.0.0.0/8'],
    ['192.0.2.1/31', '192.0.2.1', '192.0.2.0/31'],
    ['10.1.2.3/1', '10.1.2.3', '0.0.0.0/1'],
    ['2001:DB8::1/32', '2001:DB8::1', '2001:db8::/32'],
    ['192.0.2.1/0', '192.0.2.1', '0.0.0.0/0'],
  ])('are not guessed from %s', (entry, address, network) => {
    expect(() => new TrustedProxies([entry])).toThrow(
      `must have no bits behind the prefix: write '${address}' or '${network}', got "${entry}"`,
    );
  });

  test.each(['0.0.0.0/0', '::/0', '::ffff:0.0.0.0/96'])('cannot be everybody: %s', (entry) => {
    expect(() => new TrustedProxies([entry])).toThrow(
      `must not be every address, because each client could then choose its own, got "${entry}"`,
    );
  });

  test('are those whose first bits are those of an entry', () => {
    const bits = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
    /** A network, and an address of which as many bits are the same as `shared` says. */
    const pair = fc
      .record({
        bytes: fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 })),
        prefix: fc.integer({ min: 1, max: 128 }),
        flipped: fc.option(fc.nat(127), { nil: undefined }),
      })
      .map(({ bytes, prefix, flipped }) => {
        const length = bytes.length * 8;
        const least = ((prefix - 1) % length) + 1;
        const address = bytes.map((byte, i) =>
          flipped !== undefined && i === (flipped % length) >> 3 ? byte ^ (0x80 >> (flipped & 7)) : byte,
        );
        const network = bytes.map((byte, i) => byte & (0xff << Math.max(0, Math.min(8, 8 * (i + 1) - least))));
        return { network, prefix: least, address };
      });
    fc.assert(
      fc.property(pair, ({ network, prefix, address }) => {
        const proxies = new TrustedProxies([`${showIpAddress(network)}/${prefix}`]);
        const expected = bits(network).slice(0, prefix) === bits(address).slice(0, prefix);
        const text = showIpAddress(address);
        expect(proxies.trusts(text)).toBe(expected);
        if (address.length === 4) expect(proxies.trusts(`::ffff:${text}`)).toBe(expected);
        expect(readIpAddress(text)).toEqual(address);
      }),
      { numRuns: 1000 },
    );
  });
});
