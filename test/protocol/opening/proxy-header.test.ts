import { isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc32c } from '../../../dist/protocol/opening/crc32c.js';
import { MAX_PROXY_HEADER_BYTES, readProxyHeader } from '../../../dist/protocol/opening/proxy-header.js';

const text = (line: string) => Uint8Array.from(Buffer.from(line, 'latin1'));

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const IPV4_BLOCK = Buffer.from('c0000201c633640afffe01bb', 'hex'); // 192.0.2.1:65534, to 198.51.100.10:443
const IPV6_BLOCK = Buffer.from(`20010db8${'0'.repeat(22)}0a${'0'.repeat(31)}100050050`, 'hex');
const UNIX_BLOCK = Buffer.alloc(216, 'a');

/** A header of version 2. */
function binary(command: number, family: number, block: Uint8Array, length = block.length): Uint8Array {
  return Uint8Array.from([...SIGNATURE, command, family, length >> 8, length & 255, ...block]);
}

function extension(type: number, value: Uint8Array, length = value.length): Uint8Array {
  return Uint8Array.from([type, length >> 8, length & 255, ...value]);
}

/** A header of version 2 whose checksum is right. */
function withChecksum(family: number, block: Uint8Array, behind: Uint8Array = new Uint8Array(0)): Uint8Array {
  const header = binary(0x21, family, Buffer.concat([block, extension(3, new Uint8Array(4)), behind]));
  new DataView(header.buffer).setUint32(16 + block.length + 3, crc32c(header));
  return header;
}

/** The bytes with one bit of one byte changed. */
function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
}

const source = (address: string, port: number) => ({ address, port });

const RIGHT: readonly (readonly [string, Uint8Array, { address: string; port: number } | undefined])[] = [
  ['TCP4', text('PROXY TCP4 192.0.2.1 198.51.100.10 56324 443\r\n'), source('192.0.2.1', 56324)],
  [
    'the longest TCP4',
    text('PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n'),
    source('255.255.255.255', 65535),
  ],
  ['the shortest TCP4', text('PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n'), source('0.0.0.0', 0)],
  ['TCP6', text('PROXY TCP6 2001:DB8::A ::1 5 80\r\n'), source('2001:db8::a', 5)],
  [
    'the longest TCP6',
    text(`PROXY TCP6 ${Array(8).fill('ffff').join(':')} ${Array(8).fill('FFFF').join(':')} 65535 65535\r\n`),
    source(Array(8).fill('ffff').join(':'), 65535),
  ],
  [
    'TCP6 of a client on IPv4',
    text('PROXY TCP6 ::ffff:192.0.2.1 ::ffff:1.2.3.4 1 2\r\n'),
    source('::ffff:192.0.2.1', 1),
  ],
  ['UNKNOWN', text('PROXY UNKNOWN\r\n'), undefined],
  ['UNKNOWN with a space', text('PROXY UNKNOWN \r\n'), undefined],
  ['UNKNOWN with anything behind it', text(`PROXY UNKNOWN ${'f'.repeat(91)}\r\n`), undefined],
  ['IPv4 of version 2', binary(0x21, 0x11, IPV4_BLOCK), source('192.0.2.1', 65534)],
  ['IPv6 of version 2', binary(0x21, 0x21, IPV6_BLOCK), source('2001:db8::a', 5)],
  ['a client on QUIC', binary(0x21, 0x12, IPV4_BLOCK), source('192.0.2.1', 65534)],
  ['a client on QUIC with IPv6', binary(0x21, 0x22, IPV6_BLOCK), source('2001:db8::a', 5)],
  ['a unix socket', binary(0x21, 0x31, UNIX_BLOCK), undefined],
  ['a unix socket of datagrams', binary(0x21, 0x32, UNIX_BLOCK), undefined],
  ['an unspecified family', binary(0x21, 0x00, new Uint8Array(0)), undefined],
  ['an unspecified family with a block', binary(0x21, 0x00, IPV6_BLOCK), undefined],
  ['LOCAL', binary(0x20, 0x00, new Uint8Array(0)), undefined],
  ['LOCAL with the addresses of the proxy', binary(0x20, 0x11, IPV4_BLOCK), undefined],
  ['LOCAL of any family, with any block', binary(0x20, 0xff, new Uint8Array(7).fill(3)), undefined],
  [
    'extensions',
    binary(0x21, 0x11, Buffer.concat([IPV4_BLOCK, extension(1, text('h2')), extension(4, new Uint8Array(300))])),
    source('192.0.2.1', 65534),
  ],
  [
    'an empty extension',
    binary(0x21, 0x21, Buffer.concat([IPV6_BLOCK, extension(5, new Uint8Array(0))])),
    source('2001:db8::a', 5),
  ],
  ['a checksum', withChecksum(0x11, IPV4_BLOCK), source('192.0.2.1', 65534)],
  [
    'a checksum between others',
    withChecksum(0x21, Buffer.concat([IPV6_BLOCK]), extension(2, text('example.org'))),
    source('2001:db8::a', 5),
  ],
  [
    'as much as is read',
    binary(0x21, 0x11, Buffer.concat([IPV4_BLOCK, extension(0x20, new Uint8Array(4096 - 16 - 12 - 3))])),
    source('192.0.2.1', 65534),
  ],
];

describe.each(RIGHT)('a header: %s', (_, header, from) => {
  test('is read, and nothing behind it', () => {
    const whole = { length: header.length, source: from };
    expect(readProxyHeader(header)).toEqual(whole);
    expect(readProxyHeader(Buffer.concat([header, text('\r\n\0 GET / HTTP/1.1\r\n')]))).toEqual(whole);
    const guarded = new Proxy(Buffer.concat([header, header]), {
      get: (target, name) => {
        if (typeof name === 'string' && /^\d+$/.test(name)) expect(Number(name)).toBeLessThan(header.length);
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    expect(readProxyHeader(guarded)).toEqual(whole);
  });

  test('needs more bytes wherever it is cut, and not more than there are', () => {
    for (let cut = 0; cut < header.length; cut++) {
      const read = readProxyHeader(header.subarray(0, cut));
      expect(read, `cut at ${cut}`).toEqual({ needs: expect.any(Number) });
      const { needs } = read as { needs: number };
      expect(needs).toBeGreaterThan(0);
      expect(needs).toBeLessThanOrEqual(header.length - cut);
    }
  });

  test('is whole in a few reads of the bytes that are needed', () => {
    let have = 0;
    for (let read = readProxyHeader(header.subarray(0, 0)); 'needs' in read; ) {
      have += read.needs;
      read = readProxyHeader(header.subarray(0, have));
    }
    expect(have).toBe(header.length);
  });

  test('does not change the bytes', () => {
    const bytes = Buffer.from(header);
    readProxyHeader(bytes);
    expect(Uint8Array.from(bytes)).toEqual(header);
  });
});

const longLine = `PROXY UNKNOWN ${'f'.repeat(92)}`;
const CHECKED = withChecksum(0x11, IPV4_BLOCK);

/** The bytes, and how many of them show that they are wrong. */
const WRONG: readonly (readonly [string, Uint8Array, number])[] = [
  ['a request', text('GET / HTTP/1.1\r\n'), 1],
  ['another method with P', text('POST / HTTP/1.1\r\n'), 2],
  ['TLS', Uint8Array.of(0x16, 3, 1, 2, 0), 1],
  ['an empty line', text('\r\n\r\nGET / HTTP/1.1'), 5],
  ['small letters', text('proxy TCP4'), 1],
  ['a tab', text('PROXY\tTCP4'), 6],
  ['two spaces', text('PROXY  TCP4'), 7],
  ['no family', text('PROXY\r\n'), 6],
  ['an empty family', text('PROXY \r\n'), 7],
  ['half a family', text('PROXY TCP\r\n'), 10],
  ['another family', text('PROXY TCP5'), 10],
  ['a family in small letters', text('PROXY tcp4'), 7],
  ['UDP', text('PROXY UDP4'), 8],
  ['more letters behind UNKNOWN', text('PROXY UNKNOWN4'), 14],
  ['more letters behind TCP4', text('PROXY TCP44'), 11],
  ['no addresses', text('PROXY TCP4\r\n'), 11],
  ['one address', text('PROXY TCP4 1.2.3.4\r\n'), 19],
  ['no ports', text('PROXY TCP4 1.2.3.4 1.2.3.4\r\n'), 27],
  ['one port', text('PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n'), 29],
  ['an empty port', text('PROXY TCP4 1.2.3.4 1.2.3.4 1 \r\n'), 30],
  ['two spaces between addresses', text('PROXY TCP4 1.2.3.4  1.2.3.4'), 20],
  ['a number beyond 255', text('PROXY TCP4 256.'), 14],
  ['a zero in front of a number', text('PROXY TCP4 1.02.'), 15],
  ['a number of four digits', text('PROXY TCP4 1.1000'), 17],
  ['a letter in an IPv4 address', text('PROXY TCP4 1.a'), 14],
  ['five numbers', text('PROXY TCP4 1.2.3.4.'), 19],
  ['three numbers', text('PROXY TCP4 1.2.3 '), 17],
  ['IPv6 with TCP4', text('PROXY TCP4 1::'), 13],
  ['IPv4 with TCP6', text('PROXY TCP6 1.2'), 13],
  ['a group of five digits', text('PROXY TCP6 12345'), 16],
  ['no hexadecimal digit', text('PROXY TCP6 ::g'), 14],
  ['three colons', text('PROXY TCP6 1:::'), 15],
  ['one colon in front', text('PROXY TCP6 :1'), 13],
  ['one colon at the end', text('PROXY TCP6 ::1: '), 16],
  ['two gaps', text('PROXY TCP6 1::2::3'), 17],
  ['nine groups', text('PROXY TCP6 1:2:3:4:5:6:7:8:'), 27],
  ['seven groups', text('PROXY TCP6 1:2:3:4:5:6:7 '), 25],
  ['a gap of nothing', text('PROXY TCP6 1:2:3:4::5:6:7:8 '), 26],
  ['IPv4 that is not at the end', text('PROXY TCP6 ::1.2.3.4:'), 21],
  ['IPv4 behind seven groups', text('PROXY TCP6 1:2:3:4:5:6:7:1.'), 27],
  ['a zone', text('PROXY TCP6 fe80::1%'), 19],
  ['brackets', text('PROXY TCP6 [::1]'), 12],
  ['a wrong destination', text('PROXY TCP4 1.2.3.4 1.2.3.x'), 26],
  ['a port beyond 65535', text('PROXY TCP4 1.2.3.4 1.2.3.4 65536'), 32],
  ['a destination port beyond 65535', text('PROXY TCP4 1.2.3.4 1.2.3.4 1 65536'), 34],
  ['a zero in front of a port', text('PROXY TCP4 1.2.3.4 1.2.3.4 01'), 29],
  ['a sign in front of a port', text('PROXY TCP4 1.2.3.4 1.2.3.4 +1'), 28],
  ['a third port', text('PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3'), 31],
  ['a space at the end', text('PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n'), 31],
  ['a lone line feed', text('PROXY TCP4 1.2.3.4 1.2.3.4 1 2\nGET'), 31],
  ['a lone line feed behind UNKNOWN', text('PROXY UNKNOWN\n'), 14],
  ['a lone carriage return', text('PROXY TCP4 1.2.3.4 1.2.3.4 1 2\rGET'), 32],
  ['a carriage return within UNKNOWN', text('PROXY UNKNOWN \r \r\n'), 16],
  ['a line of 108 bytes', text(`${longLine}\r\n`), 106],
  ['a line without an end', text(`${longLine.padEnd(300)}\r\n`), 106],
  ...[...SIGNATURE.subarray(1)].map((_, i): [string, Uint8Array, number] => [
    `a wrong byte ${i + 1} of the signature`,
    flipped(binary(0x21, 0x11, IPV4_BLOCK), i + 1),
    i + 2,
  ]),
  ['version 1 in bytes', binary(0x11, 0x11, IPV4_BLOCK), 13],
  ['version 3', binary(0x31, 0x11, IPV4_BLOCK), 13],
  ['an unknown command', binary(0x22, 0x11, IPV4_BLOCK), 13],
  ['an unknown family', binary(0x21, 0x41, IPV4_BLOCK), 14],
  ['a family without a transport', binary(0x21, 0x10, IPV4_BLOCK), 14],
  ['a transport without a family', binary(0x21, 0x01, IPV4_BLOCK), 14],
  ['an unknown transport', binary(0x21, 0x13, IPV4_BLOCK), 14],
  ['a block that is too short for IPv4', binary(0x21, 0x11, IPV4_BLOCK.subarray(1)), 16],
  ['a block that is too short for IPv6', binary(0x21, 0x21, IPV6_BLOCK.subarray(1)), 16],
  ['a block that is too short for unix sockets', binary(0x21, 0x31, UNIX_BLOCK.subarray(1)), 16],
  ['a block that is much too long', binary(0x21, 0x11, IPV4_BLOCK, 0xffff), 15],
  ['a block one byte too long', binary(0x21, 0x11, IPV4_BLOCK, 4096 - 15), 16],
  ['LOCAL that is too long', binary(0x20, 0x00, IPV4_BLOCK, 4096 - 15), 16],
  ['an extension that is cut', binary(0x21, 0x11, Buffer.concat([IPV4_BLOCK, text('ab')])), 16],
  [
    'an extension that is cut behind another',
    binary(0x21, 0x11, Buffer.concat([IPV4_BLOCK, extension(1, text('h2')), text('a')])),
    31,
  ],
  [
    'an extension that is much too long',
    binary(0x21, 0x11, Buffer.concat([IPV4_BLOCK, extension(1, text('h2'), 0x102)])),
    30,
  ],
  ['an extension one byte too long', binary(0x21, 0x11, Buffer.concat([IPV4_BLOCK, extension(1, text('h2'), 3)])), 31],
  ['a checksum of 3 bytes', binary(0x21, 0x11, Buffer.concat([IPV4_BLOCK, extension(3, new Uint8Array(3))])), 31],
  ['a checksum of 256 bytes', binary(0x21, 0x11, Buffer.concat([IPV4_BLOCK, extension(3, new Uint8Array(256))])), 30],
  ['two checksums', withChecksum(0x11, IPV4_BLOCK, extension(3, new Uint8Array(4))), 36],
  ...[16, 27, 31, 34].map((at): [string, Uint8Array, number] => [
    `a checksum that is not that of byte ${at}`,
    flipped(CHECKED, at),
    CHECKED.length,
  ]),
];

describe.each(WRONG)('no header: %s', (_, bytes, shown) => {
  test(`is refused at byte ${shown}, and not before`, () => {
    for (let cut = 0; cut <= bytes.length; cut++) {
      const expected =
        cut < shown ? { needs: expect.any(Number) } : { problem: expect.stringMatching(/^[ -~]{10,60}$/) };
      expect(readProxyHeader(bytes.subarray(0, cut)), `cut at ${cut}`).toEqual(expected);
    }
  });
});

describe('the header of the PROXY protocol', () => {
  test('has a checksum as others compute it', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c([])).toBe(0);
  });

  test('is never longer than is said', () => {
    fc.assert(
      fc.property(fc.nat(0xffff), fc.constantFrom(0x20, 0x21), (length, command) => {
        const bytes = binary(command, 0, new Uint8Array(0), length);
        const tooLong = { problem: `it is longer than ${MAX_PROXY_HEADER_BYTES} bytes` };
        const whole = { length: 16, source: undefined };
        const needed = length === 0 ? whole : { needs: length };
        expect(readProxyHeader(bytes)).toEqual(length > MAX_PROXY_HEADER_BYTES - 16 ? tooLong : needed);
      }),
    );
  });

  /** A line as a regular expression and Node read it. */
  function readPlainly(line: string): unknown {
    const found = /^PROXY (?:UNKNOWN(?: [^\r\n]*)?|TCP([46]) (\S+) (\S+) (0|[1-9]\d*) (0|[1-9]\d*))\r\n/.exec(line);
    if (found === null || found[0].length > 107) return undefined;
    const [{ length }, family, from = '', to = '', port, toPort] = found;
    if (family === undefined) return { length, source: undefined };
    const isAddress = family === '4' ? isIPv4 : (one: string) => isIPv6(one) && !one.includes('%');
    if (!isAddress(from) || !isAddress(to) || Number(port) > 65535 || Number(toPort) > 65535) return undefined;
    return { length, source: { address: expect.any(String), port: Number(port) } };
  }

  test('is read in version 1 as a regular expression reads it, whatever is changed in it', () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6());
    const line = fc
      .tuple(fc.constantFrom('TCP4', 'TCP6', 'UNKNOWN'), address, address, fc.nat(70_000), fc.nat(70_000))
      .map((fields) => `PROXY ${fields.join(' ')}\r\n`);
    const change = fc.record({
      at: fc.nat(110),
      removed: fc.nat(2),
      added: fc.stringMatching(/^[0-9a-f:. \r\n%]{0,2}$/),
    });
    fc.assert(
      fc.property(line, fc.array(change, { maxLength: 2 }), (right, changes) => {
        const changed = changes.reduce(
          (all, { at, removed, added }) => all.slice(0, at) + added + all.slice(at + removed),
          right,
        );
        const read = readProxyHeader(text(changed));
        expect('length' in read ? read : undefined).toEqual(readPlainly(changed));
      }),
      { numRuns: 3000 },
    );
  });

  test('says the same of bytes that come one by one', () => {
    const start = fc.constantFrom(...RIGHT.map(([, header]) => header), ...WRONG.map(([, bytes]) => bytes));
    fc.assert(
      fc.property(start, fc.nat(300), fc.nat(255), (bytes, at, byte) => {
        const changed = bytes.map((one, i) => (i === at ? byte : one)).subarray(0, 400);
        let have = 0;
        let read = readProxyHeader(changed.subarray(0, 0));
        while ('needs' in read && have < changed.length) read = readProxyHeader(changed.subarray(0, ++have));
        // Of several things that are wrong, either may be named.
        expect(readProxyHeader(changed)).toEqual('problem' in read ? { problem: expect.any(String) } : read);
      }),
      { numRuns: 2000 },
    );
  });
});
