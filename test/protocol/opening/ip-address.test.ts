import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readIpAddress, readIpv4, readIpv6, showIpAddress } from '../../../dist/protocol/opening/ip-address.js';

/** How Node writes an address. */
function writtenByNode(address: string): string {
  return new SocketAddress({ address, family: isIPv4(address) ? 'ipv4' : 'ipv6' }).address;
}

/** A text that is an address, or nearly one. */
const NEARLY_ADDRESSES = fc
  .array(
    fc.constantFrom('0', '1', '9', '25', '255', '256', '01', 'a', 'FFFF', 'ffff', '12345', ':', ':', ':', '::', '.'),
  )
  .map((parts) => parts.join(''));

describe('an IP address', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:DB8::A', '2001:db8::a'],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['1:0:0:4:0:0:0:8', '1:0:0:4::8'],
    ['1:0:0:4:0:0:7:8', '1::4:0:0:7:8'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['::ffff:c000:201', '::ffff:192.0.2.1'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
    ['::192.0.2.1', '::192.0.2.1'],
    ['::2', '::2'],
    ['::1:2', '::0.1.0.2'],
    ['::ffff:0:2', '::ffff:0.0.0.2'],
    ['::ffff:1:0:2', '::ffff:1:0:2'],
  ])('%s is written %s, as by Node', (text, written) => {
    const bytes = readIpAddress(text);
    expect(bytes).toHaveLength(text.includes(':') ? 16 : 4);
    expect(showIpAddress(bytes as Uint8Array)).toBe(written);
    expect(writtenByNode(text)).toBe(written);
  });

  test.each([
    '',
    '1',
    '1.2.3',
    '1.2.3.4.',
    '1.2.3.4.5',
    '.1.2.3.4',
    '01.2.3.4',
    '1.2.3.256',
    '1.2.3.-4',
    '1.2.3.4 ',
    '1.2.3.0x4',
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4::5:6:7:8',
    '1::2::3',
    ':1',
    '1:',
    ':1::',
    '::1:',
    '::g',
    '::12345',
    '1.2.3.4::',
    '::1.2.3.4:1',
    '::1.2.3',
    '::01.2.3.4',
    '1:2:3:4:5:6:7:1.2.3.4',
    'fe80::1%eth0',
    '[::1]',
    '\u0661.2.3.4',
  ])('%j is none', (text) => {
    expect(readIpAddress(text)).toBeUndefined();
  });

  test('is read if Node reads it, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(NEARLY_ADDRESSES, fc.ipV4(), fc.ipV6(), fc.string()), (text) => {
        expect(readIpv4(text) !== undefined).toBe(isIPv4(text));
        expect(readIpv6(text) !== undefined).toBe(isIPv6(text) && !text.includes('%'));
      }),
      { numRuns: 5000 },
    );
  });

  test('is written as by Node, and read back', () => {
    // Zeros in most places, and some 1s and ffffs.
    const group = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.constantFrom(1, 0xffff), fc.nat(0xffff));
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc
        .array(group, { minLength: 8, maxLength: 8 })
        .map((groups) => Uint8Array.from(groups.flatMap((one) => [one >> 8, one & 255]))),
    );
    fc.assert(
      fc.property(bytes, (address) => {
        const text = showIpAddress(address);
        expect(writtenByNode(text)).toBe(text);
        expect(readIpAddress(text)).toEqual(address);
      }),
      { numRuns: 2000 },
    );
  });
});
