import { isIP, isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ClientHeader, clientAddress } from '../../dist/opening/client-address.js';
import { TrustedProxies } from '../../dist/opening/trusted-proxies.js';

const PEER = '10.0.0.1';
const trusted = new TrustedProxies(['10.0.0.0/8', 'fd00::/8', 'unix']);

/** The client of a request with these lines of one header, between others. */
function clientOf(header: ClientHeader, lines: readonly string[], peer: string | undefined = PEER): string | undefined {
  const rawHeaders = ['Host', 'a', ...lines.flatMap((line) => [header, line]), 'Via', '1.1 192.0.2.99'];
  return clientAddress(rawHeaders, peer, header, trusted);
}

describe('the client that X-Forwarded-For tells', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.1:5000', '192.0.2.1'],
    ['192.0.2.1:0', '192.0.2.1'],
    ['192.0.2.1:65535', '192.0.2.1'],
    ['2001:DB8::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:5000', '2001:db8::1'],
    ['2001:db8::1:5000', '2001:db8::1:5000'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    [' \t192.0.2.1\t ', '192.0.2.1'],
    ['198.51.100.1, 192.0.2.1', '192.0.2.1'],
    ['198.51.100.1,192.0.2.1', '192.0.2.1'],
    ['192.0.2.1, 10.0.0.2, 10.0.0.3', '192.0.2.1'],
    ['192.0.2.1, [fd00::1]:80, ::ffff:10.0.0.3', '192.0.2.1'],
    ['junk, , unknown, 192.0.2.1, 10.0.0.2', '192.0.2.1'],
    ['10.0.0.4, 10.0.0.3, 10.0.0.2', '10.0.0.4'],
    ['10.0.0.2', '10.0.0.2'],
    ['fd00::2, 10.0.0.2', 'fd00::2'],
  ])('in %j is %s', (value, client) => {
    expect(clientOf('x-forwarded-for', [value])).toBe(client);
  });

  test.each([
    '',
    ' ',
    ',',
    '192.0.2.1,',
    '192.0.2.1, ',
    ', 10.0.0.2',
    '192.0.2.1,, 10.0.0.2',
    'unknown',
    '_hidden',
    '192.0.2.1, unknown',
    '192.0.2.1, unknown, 10.0.0.2',
    '192.0.2.1, _hidden, 10.0.0.2',
    'localhost',
    '192.0.2.1:65536',
    '192.0.2.1:',
    '192.0.2.1:a',
    '192.0.2.1:_a',
    '192.0.2.1:-1',
    '192.0.2.1:000080',
    '192.0.2.1:80:80',
    '192.0.2.256',
    '192.0.2.01',
    '192.0.2',
    '192.0.2.1 192.0.2.2',
    '192.0.2.1;',
    '[2001:db8::1',
    '2001:db8::1]',
    '[2001:db8::1]80',
    '[2001:db8::1]:',
    '[2001:db8::1]:65536',
    '[192.0.2.1]',
    '[]',
    '[]:80',
    'fe80::1%eth0',
    '[fe80::1%eth0]',
    '1:2:3:4:5:6:7:8:443',
    '"192.0.2.1"',
    '"[2001:db8::1]:80"',
    'for=192.0.2.1',
    '\u00a0192.0.2.1',
    '0x7f000001',
    '2130706433',
  ])('in %j is the peer', (value) => {
    expect(clientOf('x-forwarded-for', [value])).toBe(PEER);
  });

  test('stands in the last of all lines', () => {
    expect(clientOf('x-forwarded-for', ['192.0.2.1', '192.0.2.2'])).toBe('192.0.2.2');
    expect(clientOf('x-forwarded-for', ['192.0.2.1', '192.0.2.2, 10.0.0.9', '10.0.0.2'])).toBe('192.0.2.2');
    expect(clientOf('x-forwarded-for', ['10.0.0.4', '10.0.0.3', '10.0.0.2'])).toBe('10.0.0.4');
    expect(clientOf('x-forwarded-for', ['192.0.2.1', ''])).toBe(PEER);
    expect(clientOf('x-forwarded-for', ['', '192.0.2.1'])).toBe('192.0.2.1');
  });
});

describe('the client that Forwarded tells', () => {
  test.each([
    ['for=192.0.2.1', '192.0.2.1'],
    ['For=192.0.2.1', '192.0.2.1'],
    ['FOR="192.0.2.1"', '192.0.2.1'],
    ['for="192.0.2.1:5000"', '192.0.2.1'],
    ['for="192.0.2.1:_hidden-port"', '192.0.2.1'],
    ['for="[2001:DB8::1]"', '2001:db8::1'],
    ['for="[2001:db8::1]:5000"', '2001:db8::1'],
    ['for="[2001:db8::1]:_a.b"', '2001:db8::1'],
    ['for="\\1\\92.0.2.\\1"', '192.0.2.1'],
    ['for=192.0.2.1;proto=https;by=198.51.100.1', '192.0.2.1'],
    ['proto=https;for=192.0.2.1', '192.0.2.1'],
    ['proto=https; for=192.0.2.1 ; by="a,b;c\\"d"', '192.0.2.1'],
    [' for=192.0.2.1;', '192.0.2.1'],
    [';;for=192.0.2.1', '192.0.2.1'],
    ['before=192.0.2.9;for=192.0.2.1;forx=192.0.2.8', '192.0.2.1'],
    ['for=198.51.100.1, for=192.0.2.1', '192.0.2.1'],
    ['for=192.0.2.1, for=10.0.0.2;by=10.0.0.3, for="[fd00::1]"', '192.0.2.1'],
    ['for="192.0.2.9, for=192.0.2.8", for=192.0.2.1', '192.0.2.1'],
    ['host="a\\", for=192.0.2.9";for=192.0.2.1', '192.0.2.1'],
    ['junk, for=192.0.2.1, for=10.0.0.2', '192.0.2.1'],
    ['for=10.0.0.3, for=10.0.0.2', '10.0.0.3'],
  ])('in %j is %s', (value, client) => {
    expect(clientOf('forwarded', [value])).toBe(client);
  });

  test.each([
    '',
    ',',
    'for=192.0.2.1,',
    'for=192.0.2.1, , for=10.0.0.2',
    'for=unknown',
    'for=_hidden',
    'for="_hidden"',
    'for="_hidden:80"',
    'for="unknown:80"',
    'for=192.0.2.1, for=unknown, for=10.0.0.2',
    'for=192.0.2.1, for=_SEVKISEK, for=10.0.0.2',
    'proto=https',
    'for=192.0.2.1, proto=https',
    'for',
    'for=',
    'for=""',
    'for =192.0.2.1',
    'for= 192.0.2.1',
    'for=192.0.2.1 80',
    'for=192.0.2.1;for=192.0.2.2',
    'for=192.0.2.1;For=192.0.2.1',
    'for=192.0.2.1:80',
    'for=[2001:db8::1]',
    'for="2001:db8::1"',
    'for="[2001:db8::1"',
    'for="2001:db8::1]"',
    'for="[192.0.2.1]"',
    'for="192.0.2.1',
    'for=192.0.2.1"',
    'for="192.0.2.1\\"',
    'for="192.0.2.1"x',
    'for="192.0.2.1:65536"',
    'for="192.0.2.1:"',
    'for="192.0.2.1:_"',
    'for="192.0.2.1:80a"',
    'for="[fe80::1%1]"',
    '192.0.2.1',
    "for='192.0.2.1'",
    'for=192.0.2.1;proto',
    'for=192.0.2.1;=https',
    'for=192.0.2.1;proto="https',
    'for=192.0.2.1 for=192.0.2.2',
    'for="192.0.2.1 "',
  ])('in %j is the peer', (value) => {
    expect(clientOf('forwarded', [value])).toBe(PEER);
  });

  test('is not changed by a quote that a client has left open in a line of its own', () => {
    expect(clientOf('forwarded', ['for="', 'for=192.0.2.1'])).toBe('192.0.2.1');
    expect(clientOf('forwarded', ['for="\\', 'for="[2001:db8::1]"', 'for=10.0.0.2'])).toBe('2001:db8::1');
  });

  test.each(['for="', 'for="\\', 'for="192.0.2.9";x="', '"', 'for=192.0.2.9;by="\\"'])(
    'is the peer if a proxy has added its entry behind an open quote: %j',
    (spoofed) => {
      for (const added of ['for=192.0.2.1', 'for="[2001:db8::1]:80"', 'for="192.0.2.1:80";by="_a"']) {
        expect(clientOf('forwarded', [`${spoofed}, ${added}`])).toBe(PEER);
      }
    },
  );
});

describe('the client', () => {
  const both = ['X-Forwarded-For', '192.0.2.1', 'Forwarded', 'for=192.0.2.2', 'x-forwarded-for', '192.0.2.3, 10.0.0.2'];

  test('is told by one header only, also if both are there', () => {
    expect(clientAddress(both, PEER, 'x-forwarded-for', trusted)).toBe('192.0.2.3');
    expect(clientAddress(both, PEER, 'forwarded', trusted)).toBe('192.0.2.2');
    expect(clientAddress(both.slice(0, 2), PEER, 'forwarded', trusted)).toBe(PEER);
    expect(clientAddress(both.slice(2, 4), PEER, 'x-forwarded-for', trusted)).toBe(PEER);
  });

  test('is not told by headers with similar names', () => {
    const names = [
      'X-Forwarded-Fo',
      'X-Forwarded-For2',
      'X_Forwarded_For',
      'X-Real-IP',
      'Forwarded-For',
      'X-Client-IP',
    ];
    const rawHeaders = names.flatMap((name) => [name, '192.0.2.1']);
    expect(clientAddress(rawHeaders, PEER, 'x-forwarded-for', trusted)).toBe(PEER);
  });

  test('is the peer if there is no such header', () => {
    expect(clientOf('x-forwarded-for', [])).toBe(PEER);
    expect(clientOf('forwarded', [])).toBe(PEER);
  });

  test.each(['192.0.2.50', '::ffff:192.0.2.50', '2001:db8::50', '11.0.0.1', ''])(
    'is the peer if that is not trusted, whatever it says: %s',
    (peer) => {
      for (const header of ['x-forwarded-for', 'forwarded'] as const) {
        expect(clientAddress(both, peer, header, trusted)).toBe(peer);
      }
    },
  );

  test('is told by a trusted peer, however its address is written', () => {
    expect(clientAddress(both, '::ffff:10.0.0.1', 'forwarded', trusted)).toBe('192.0.2.2');
    expect(clientAddress(both, 'fd00::1%eth0', 'forwarded', trusted)).toBe('192.0.2.2');
  });

  test('is told by the peer of a unix socket, if those are trusted', () => {
    expect(clientAddress(both, undefined, 'forwarded', trusted)).toBe('192.0.2.2');
    expect(clientAddress(['Forwarded', 'for=unknown'], undefined, 'forwarded', trusted)).toBeUndefined();
    expect(clientAddress(both, undefined, 'forwarded', new TrustedProxies(['10.0.0.0/8']))).toBeUndefined();
  });

  test.each([
    ['x-forwarded-for', '10.0.0.2'],
    ['forwarded', 'for=10.0.0.2'],
  ] as const)('stands behind at most 31 trusted proxies (%s)', (header, proxy) => {
    const client = header === 'forwarded' ? 'for=192.0.2.1' : '192.0.2.1';
    const behind = (count: number) => [client, ...Array<string>(count).fill(proxy)];
    for (const lines of [behind(31), [behind(31).join()]]) expect(clientOf(header, lines)).toBe('192.0.2.1');
    for (const lines of [behind(32), [behind(32).join()]]) expect(clientOf(header, lines)).toBe(PEER);
    expect(clientOf(header, Array<string>(32).fill(proxy))).toBe('10.0.0.2');
    expect(clientOf(header, Array<string>(33).fill(proxy))).toBe(PEER);
  });

  test.each([
    ['x-forwarded-for', ['10.0.0.2,', ' ', '\t ', ' a', '1', ':', '[', '1:', '1.', ',']],
    ['forwarded', ['for=10.0.0.2,', ' ', ';', 'a', '"', '\\"', 'for="', 'for="\\', 'a=b;', '=', ',', ' ;']],
  ] as const)('costs time linear in the longest header that can be allowed (%s)', (header, parts) => {
    for (const part of parts) {
      for (const line of [part.repeat(2 ** 20 / part.length), `for="${part.repeat(2 ** 20 / part.length)}"`]) {
        const client = clientOf(header, [line]);
        expect([PEER, '10.0.0.2']).toContain(client);
      }
    }
  });
});

describe('against a reference that is simple', () => {
  const entry = fc.constantFrom(
    '192.0.2.1',
    '192.0.2.2',
    '10.0.0.2',
    '10.0.0.3',
    '10.0.0.2:80',
    '192.0.2.1:99999',
    '2001:db8::1',
    'fd00::1',
    '[fd00::1]',
    '[fd00::1]:80',
    '[2001:db8::1]:1',
    'unknown',
    '_x',
    '',
    ' ',
    '1.2.3',
    '::ffff:10.0.0.4',
    '::ffff:192.0.2.3',
  );

  function addressOf(text: string): string | undefined {
    const [, bracketed, ipv4 = '', port = '0'] = /^(?:\[([\d:a-f.]+)\]|([\d.]+))(?::(\d+))?$/.exec(text) ?? [];
    if (isIPv6(text)) return text;
    if (Number(port) > 65535) return undefined;
    if (bracketed !== undefined) return isIPv6(bracketed) ? bracketed : undefined;
    return isIPv4(ipv4) ? ipv4 : undefined;
  }

  const isTrusted = (address: string) => /^(?:::ffff:)?10\.|^fd00:/.test(address);

  function expected(entries: readonly string[]): string {
    const right = entries.toReversed();
    const stop = right.findIndex((one) => {
      const address = addressOf(one.trim());
      return address === undefined || !isTrusted(address);
    });
    return (stop < 0 ? addressOf(entries[0]?.trim() ?? PEER) : addressOf(right[stop]?.trim() ?? '')) ?? PEER;
  }

  test('X-Forwarded-For means the same, in however many lines', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(entry, { minLength: 1, maxLength: 4 }), { maxLength: 4 }),
        fc.constantFrom(',', ', ', ' ,\t'),
        (lines, comma) => {
          expect(
            clientOf(
              'x-forwarded-for',
              lines.map((line) => line.join(comma)),
            ),
          ).toBe(expected(lines.flat()));
        },
      ),
      { numRuns: 3000 },
    );
  });

  test('Forwarded means the same, with whatever else is said', () => {
    const other = fc.constantFrom(
      'by=_a',
      'proto=https',
      'host="a, b;for=192.0.2.77"',
      'x="\\"\\\\"',
      'BY="[fd00::9]:1"',
    );
    const element = fc.tuple(
      entry,
      fc.array(other, { maxLength: 2 }),
      fc.array(other, { maxLength: 2 }),
      fc.boolean(),
      fc.constantFrom('for', 'For', 'FOR'),
    );
    fc.assert(
      fc.property(fc.array(fc.array(element, { minLength: 1, maxLength: 4 }), { maxLength: 4 }), (lines) => {
        const values = lines.map((line) =>
          line
            .map(([node, before, behind, isEscaped, name]) => {
              const text = node.includes(':') && isIPv6(node) ? `[${node}]` : node;
              const quoted = isEscaped ? text.replace(/./g, '\\$&') : text;
              return [...before, `${name}="${quoted}"`, ...behind].join(';');
            })
            .join(', '),
        );
        // A space is trimmed around an entry of the other header, and not within quotes: there it is no address either.
        expect(clientOf('forwarded', values)).toBe(expected(lines.flat().map(([node]) => node)));
      }),
      { numRuns: 3000 },
    );
  });

  test('whatever comes, the client is the peer or an address', () => {
    const piece = fc.constantFrom(
      'for=',
      'For',
      '"',
      '\\',
      ',',
      ';',
      ' ',
      '=',
      '[',
      ']',
      ':',
      '10.0.0.2',
      '192.0.2.1',
      'fd00::1',
      '_a',
      'by=x',
    );
    fc.assert(
      fc.property(fc.array(piece), fc.constantFrom('x-forwarded-for', 'forwarded'), (pieces, header) => {
        expect(isIP(clientOf(header, [pieces.join('')]) ?? '')).toBeGreaterThan(0);
      }),
      { numRuns: 5000 },
    );
  });
});
