import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deflatedMessage } from '../../dist/cli/message-deflate.js';
import { brokenIn, framesOf, inspected, only, packetsIn } from './inspected.js';
import { LINK_TYPES, LINKS, onLink, pcapFile, pcapngFile } from './packets.js';
import {
  answerOf,
  captured,
  frameOf,
  requestOf,
  type SentPacket,
  type Side,
  START_NS,
  Talk,
  type TalkOptions,
} from './talk.js';

const [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG] = [0, 1, 2, 8, 9, 10] as const;
const DONE = Uint8Array.of(0x03, 0xe8);
const RSV1 = 0x40;

/** A conversation with fragments, a ping between them, and both Close frames. */
function conversation(options: TalkOptions = {}): Talk {
  return new Talk(options)
    .open()
    .send('client', requestOf())
    .send('server', answerOf())
    .send('client', frameOf('client', TEXT, 'Hel', { isFinal: false }))
    .send('client', frameOf('client', PING, 'there?'))
    .send('server', frameOf('server', PONG, 'there?'))
    .send('client', frameOf('client', CONTINUATION, 'lo'))
    .send('server', frameOf('server', TEXT, `welcome ${'x'.repeat(900)}`))
    .send('client', frameOf('client', CLOSE, DONE))
    .send('server', frameOf('server', CLOSE, DONE))
    .close();
}

const CLIENT_FRAMES = (base = requestOf().length) => [
  [base, undefined],
  [base + 9, undefined],
  [base + 21, 'Hello'],
  [base + 29, undefined],
];

const SERVER_FRAMES = (base = answerOf().length) => [
  [base, undefined],
  [base + 8, `welcome ${'x'.repeat(900)}`],
  [base + 8 + 4 + 908, undefined],
];

const inspectedTalk = (packets: readonly SentPacket[]) => inspected(packetsIn(pcapFile(captured(packets))));

describe('a capture', () => {
  it.each(LINKS.flatMap((link) => [false, true].map((isIpv6) => [link, isIpv6 ? 'IPv6' : 'IPv4', isIpv6] as const)))(
    'on the link %s, with %s, shows handshake, frames, messages and the end',
    (link, _, isIpv6) => {
      const file = pcapFile(captured(conversation({ isIpv6 }).packets, link), { linkType: LINK_TYPES[link] });
      const result = inspected(packetsIn(file));
      expect(framesOf(result, 'client')).toEqual(CLIENT_FRAMES());
      expect(framesOf(result, 'server')).toEqual(SERVER_FRAMES());
      expect(brokenIn(result)).toEqual([]);
      const [opening] = only(result, 'opening');
      expect(opening?.captured?.client).toEqual({ address: isIpv6 ? 'fd00::1' : '10.0.0.1', port: 40_000 });
      expect(opening?.opening.handshake?.host).toBe('example.org');
      const closed = { code: 1000, reason: '' };
      expect(only(result, 'end')).toMatchObject([{ how: 'closed', closes: { client: closed, server: closed } }]);
      expect(result.totals).toMatchObject({ connections: 1, otherPackets: 0, damagedPackets: 0, otherConnections: 0 });
    },
  );

  it('says when each packet was captured', () => {
    const [first, second] = only(inspectedTalk(conversation().packets), 'frame');
    expect(first?.captured?.startNs).toBe(START_NS + 3_000_000n);
    expect((second?.captured?.timeNs ?? 0n) - (first?.captured?.timeNs ?? 0n)).toBe(1_000_000n);
  });

  it('shows the same whatever the sizes of segments are, and where sequence numbers wrap', () => {
    for (const segmentBytes of [1, 2, 7, 100]) {
      for (const before of [1, 2, 50, 200, 300, 900]) {
        const sequences = { client: 2 ** 32 - before, server: 2 ** 32 - before - 3 };
        const result = inspectedTalk(conversation({ segmentBytes, sequences }).packets);
        expect(framesOf(result, 'client')).toEqual(CLIENT_FRAMES());
        expect(framesOf(result, 'server')).toEqual(SERVER_FRAMES());
      }
    }
  });

  it('shows the same when packets come in another order, and more than once', () => {
    const property = fc.property(
      fc.integer({ min: 1, max: 400 }),
      fc.infiniteStream(fc.nat(12)),
      fc.boolean(),
      (size, lags, wraps) => {
        const sequences = wraps ? { client: 2 ** 32 - 100, server: 2 ** 32 - 600 } : { client: 5, server: 6 };
        const { packets } = conversation({ segmentBytes: size, sequences });
        const data = packets.slice(3, -3);
        // Each comes up to 12 places later than it was sent, and some come again.
        const late = data.map((packet, i) => ({ packet, at: i + (lags.next().value as number) }));
        const again = data
          .filter((_, i) => i % 3 === 0)
          .map((packet, i) => ({ packet, at: 3 * i + (lags.next().value as number) }));
        const shuffled = [...late, ...again].sort((a, b) => a.at - b.at).map(({ packet }) => packet);
        const result = inspectedTalk([...packets.slice(0, 3), ...shuffled, ...packets.slice(-3)]);
        expect(framesOf(result, 'client')).toEqual(CLIENT_FRAMES());
        expect(framesOf(result, 'server')).toEqual(SERVER_FRAMES());
        expect(brokenIn(result)).toEqual([]);
        expect(only(result, 'gap')).toEqual([]);
      },
    );
    fc.assert(property, { numRuns: 60 });
  });

  it('takes of bytes that come again, in other segments, what is new', () => {
    const sequence = 1001;
    const talk = new Talk().open();
    const bytes = Buffer.concat([requestOf(), frameOf('client', TEXT, 'first'), frameOf('client', TEXT, 'second')]);
    const packet = (at: number, end: number) => ({
      from: 'client' as const,
      ip: talk.packet('client', sequence + at, bytes.subarray(at, end)),
    });
    talk.packets.push(packet(0, 50), packet(20, 120), packet(10, 60), packet(130, bytes.length), packet(100, 150));
    const base = requestOf().length;
    expect(framesOf(inspectedTalk(talk.send('server', answerOf()).packets), 'client')).toEqual([
      [base, 'first'],
      [base + 11, 'second'],
    ]);
  });

  it('keeps connections apart whose packets are interleaved', () => {
    const talks = [1, 2, 3, 4, 5].map((n) => conversation({ clientPort: 40_000 + n, segmentBytes: 30 * n }).packets);
    const longest = Math.max(...talks.map(({ length }) => length));
    const packets = Array.from({ length: longest }, (_, i) => talks.flatMap((talk) => talk.slice(i, i + 1))).flat();
    const result = inspectedTalk(packets);
    expect(result.totals.connections).toBe(5);
    const { events, totals } = result;
    for (const number of [1, 2, 3, 4, 5]) {
      const own = { events: events.filter((event) => event.number === number), totals };
      expect(framesOf(own, 'client')).toEqual(CLIENT_FRAMES());
      expect(framesOf(own, 'server')).toEqual(SERVER_FRAMES());
    }
  });

  it('takes ports that are used again for another connection', () => {
    const again = conversation({ sequences: { client: 700_000_000, server: 900_000_000 } });
    const result = inspectedTalk([...conversation().packets, ...again.packets]);
    expect(result.totals.connections).toBe(2);
    expect(only(result, 'frame')).toHaveLength(14);
    const cut = inspectedTalk([...conversation().packets.slice(0, 8), ...again.packets]);
    expect(cut.totals.connections).toBe(2);
  });
});

describe('a connection whose beginning was not captured', () => {
  const talk = () =>
    new Talk()
      .send('server', frameOf('server', TEXT, 'from the server'))
      .send('client', frameOf('client', TEXT, 'from the client'))
      .send('server', frameOf('server', PING, ''));

  it('is taken apart, and the side that masks is the client', () => {
    const result = inspectedTalk(talk().packets);
    expect(framesOf(result, 'client')).toEqual([[0, 'from the client']]);
    expect(framesOf(result, 'server')).toEqual([
      [0, 'from the server'],
      [17, undefined],
    ]);
    expect(brokenIn(result)).toEqual([]);
    expect(only(result, 'opening')[0]?.opening).toMatchObject({ request: undefined, response: undefined });
    expect(only(result, 'end')).toMatchObject([{ how: 'capture' }]);
  });

  it('may begin between the fragments of a message', () => {
    const result = inspectedTalk(new Talk().send('client', frameOf('client', CONTINUATION, 'lo')).packets);
    expect(framesOf(result, 'client')).toEqual([[0, 'lo']]);
    expect(brokenIn(result)).toEqual([]);
  });

  it('may have the answer of the server, which says how messages are compressed', () => {
    const result = inspectedTalk(
      new Talk()
        .send('server', answerOf(['Sec-WebSocket-Extensions: permessage-deflate']))
        .send('server', frameOf('server', TEXT, deflatedMessage(Buffer.from('hello')), { rsv: RSV1 }))
        .send('client', frameOf('client', TEXT, 'x')).packets,
    );
    expect(framesOf(result, 'server')).toEqual([
      [answerOf(['Sec-WebSocket-Extensions: permessage-deflate']).length, 'hello'],
    ]);
    expect(framesOf(result, 'client')).toEqual([[0, 'x']]);
  });

  it('has its messages decompressed by what is assumed', () => {
    const frame = frameOf('client', BINARY, deflatedMessage(Buffer.from('hello')), { rsv: RSV1 });
    const packets = packetsIn(pcapFile(captured(new Talk().send('client', frame).packets)));
    const assumed = {
      serverNoContextTakeover: false,
      clientNoContextTakeover: false,
      serverMaxWindowBits: undefined,
      clientMaxWindowBits: undefined,
    };
    expect(framesOf(inspected(packets, assumed), 'client')).toEqual([[0, 'hello']]);
    expect(brokenIn(inspected(packets))).toEqual([['client', 0, 'rsv', '5.2']]);
  });
});

describe('permessage-deflate', () => {
  const offer = 'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits';

  it('is taken from the handshake', () => {
    const answer = answerOf(['Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover']);
    const result = inspectedTalk(
      new Talk()
        .open()
        .send('client', requestOf([offer]))
        .send('server', answer)
        .send('server', frameOf('server', TEXT, deflatedMessage(Buffer.from('one')), { rsv: RSV1 }))
        .send('server', frameOf('server', TEXT, deflatedMessage(Buffer.from('two')), { rsv: RSV1 })).packets,
    );
    expect(framesOf(result, 'server').map(([, message]) => message)).toEqual(['one', 'two']);
    expect(only(result, 'opening')[0]?.opening.deflate).toMatchObject({ serverNoContextTakeover: true });
    expect(brokenIn(result)).toEqual([]);
  });

  it('breaks a rule where it was not agreed on, and where a message is corrupt', () => {
    const plain = new Talk()
      .open()
      .send('client', requestOf([offer]))
      .send('server', answerOf());
    const frame = frameOf('client', BINARY, deflatedMessage(Buffer.from('one')), { rsv: RSV1 });
    const base = requestOf([offer]).length;
    expect(brokenIn(inspectedTalk(plain.send('client', frame).packets))).toEqual([['client', base, 'rsv', '5.2']]);
    const agreed = answerOf(['Sec-WebSocket-Extensions: permessage-deflate']);
    const corrupt = frameOf('client', BINARY, Uint8Array.of(0x07, 0xff, 0xff), { rsv: RSV1 });
    const talk = new Talk()
      .open()
      .send('client', requestOf([offer]))
      .send('server', agreed)
      .send('client', corrupt);
    expect(brokenIn(inspectedTalk(talk.packets))).toEqual([['client', base, 'deflate', '7.4.1']]);
  });

  it('must fit an offer', () => {
    const answers = [
      'permessage-deflate; client_max_window_bits=16',
      'permessage-deflate, permessage-deflate',
      'other',
      'a b',
    ];
    for (const answer of answers) {
      const talk = new Talk().open().send('client', requestOf([offer]));
      const result = inspectedTalk(talk.send('server', answerOf([`Sec-WebSocket-Extensions: ${answer}`])).packets);
      expect(brokenIn(result), answer).toEqual([['server', 0, 'WSLOOM_RESPONSE_EXTENSIONS', '4.1']]);
    }
  });
});

describe('a broken rule', () => {
  const opened = () => new Talk().open().send('client', requestOf()).send('server', answerOf());
  const base: Readonly<Record<Side, number>> = { client: requestOf().length, server: answerOf().length };
  const good = (from: Side) => frameOf(from, TEXT, 'good');

  it.each([
    ['client', frameOf('server', TEXT, 'x'), 'mask', '5.1'],
    ['server', frameOf('client', TEXT, 'x'), 'mask', '5.1'],
    ['client', frameOf('client', 3, 'x'), 'opcode', '5.2'],
    ['server', frameOf('server', PING, '', { rsv: 0x20 }), 'rsv', '5.2'],
    ['server', frameOf('server', CONTINUATION, 'x'), 'fragmentation', '5.4'],
    ['client', frameOf('client', TEXT, Uint8Array.of(0xff)), 'utf8', '8.1'],
    ['client', frameOf('client', CLOSE, Uint8Array.of(0x03, 0xed)), 'close-code', '7.4'],
    ['server', frameOf('server', PING, 'x'.repeat(126)), 'control-length', '5.5'],
    ['server', Buffer.of(0x81, 0x7e, 0, 1, 0x78), 'length', '5.2'],
  ] as const)('of the %s is found at its place: %#', (from, bad, rule, section) => {
    const frame = good(from);
    const talk = opened().send(from, frame).send(from, bad);
    expect(brokenIn(inspectedTalk(talk.packets))).toEqual([[from, base[from] + frame.length, rule, section]]);
  });

  it('is a data frame behind the Close frame', () => {
    const talk = opened()
      .send('client', frameOf('client', CLOSE, DONE))
      .send('client', frameOf('client', PONG, ''))
      .send('client', good('client'));
    expect(brokenIn(inspectedTalk(talk.packets))).toEqual([['client', base.client + 8 + 6, 'after-close', '5.5.1']]);
  });

  it('is a frame that is cut off by the end of the connection, but not by that of the capture', () => {
    const cut = opened().send('client', good('client').subarray(0, 7));
    expect(brokenIn(inspectedTalk(cut.packets))).toEqual([]);
    expect(only(inspectedTalk(cut.packets), 'unfinished')).toMatchObject([
      { from: 'client', frame: { at: base.client } },
    ]);
    expect(brokenIn(inspectedTalk(cut.close().packets))).toEqual([['client', base.client, 'cut-off', '5.2']]);
  });

  it('can be in the opening handshake', () => {
    const badKey = Buffer.from(
      requestOf()
        .toString('latin1')
        .replace(/Key: .*\r/, 'Key: short\r'),
      'latin1',
    );
    const request = new Talk().open().send('client', badKey).send('server', answerOf());
    expect(brokenIn(inspectedTalk(request.packets))).toEqual([['client', 0, 'WSLOOM_HANDSHAKE_KEY', '4.2.1']]);
    const answer = new Talk().open().send('client', requestOf()).send('server', answerOf([], 'AAAA'));
    expect(brokenIn(inspectedTalk(answer.packets))).toEqual([['server', 0, 'WSLOOM_RESPONSE_ACCEPT', '4.1']]);
    const chosen = new Talk()
      .open()
      .send('client', requestOf())
      .send('server', answerOf(['Sec-WebSocket-Protocol: chat']));
    expect(brokenIn(inspectedTalk(chosen.packets))).toEqual([['server', 0, 'WSLOOM_RESPONSE_SUBPROTOCOL', '4.1']]);
  });
});

describe('what is no WebSocket', () => {
  it('is counted: TLS, HTTP, and others', () => {
    const hello = Buffer.concat([Buffer.of(0x16, 0x03, 0x01, 0x02, 0x00), Buffer.alloc(100)]);
    const tls = new Talk({ clientPort: 1 }).open().send('client', hello).send('server', hello).close();
    const page = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const http = new Talk({ clientPort: 2 })
      .open()
      .send('client', page)
      .send('server', Buffer.from('HTTP/1.1 200 OK\r\n\r\nhello'))
      .close();
    const other = new Talk({ clientPort: 3 })
      .open()
      .send('client', Buffer.from('*1\r\n$4\r\nPING\r\n'))
      .send('server', Buffer.from('+PONG\r\n'));
    const result = inspectedTalk([...tls.packets, ...http.packets, ...other.packets]);
    expect(result.events).toEqual([]);
    expect(result.totals).toMatchObject({ connections: 0, tlsConnections: 1, httpConnections: 1, otherConnections: 1 });
  });

  it('is an answer that refuses: its body is no frame, and no rule is broken', () => {
    const refused = Buffer.from('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
    const result = inspectedTalk(new Talk().open().send('client', requestOf()).send('server', refused).close().packets);
    expect(only(result, 'opening')[0]?.opening.response?.status).toBe(403);
    expect(brokenIn(result)).toEqual([]);
    expect(only(result, 'frame')).toEqual([]);
  });

  it('are packets of other protocols, fragments, and headers that are cut off', () => {
    const [syn] = conversation().packets;
    const ip = syn?.ip as Buffer;
    const udp = Buffer.from(ip);
    udp.writeUInt8(17, 9);
    const fragment = Buffer.from(ip);
    fragment.writeUInt16BE(0x2000, 6);
    const packets = [udp, fragment, ip.subarray(0, 30), Buffer.of(0x45)].map((bytes) => ({
      timeNs: 0n,
      bytes: onLink('raw', bytes),
    }));
    const result = inspected(packetsIn(pcapngFile(packets, { linkType: LINK_TYPES.raw })));
    expect(result.totals).toMatchObject({ packets: 4, otherPackets: 1, fragments: 1, damagedPackets: 2 });
  });
});

describe('missing bytes', () => {
  const lost = (later: number) => {
    const talk = new Talk({ segmentBytes: 1000 }).open().send('client', requestOf()).send('server', answerOf());
    talk.send('client', frameOf('client', TEXT, 'seen')).lose('client', frameOf('client', TEXT, 'lost'));
    for (let i = 0; i < later; i++) talk.send('client', frameOf('client', BINARY, Buffer.alloc(990, i)));
    return talk.send('server', frameOf('server', TEXT, 'still here'));
  };

  it('are a gap, in front of which the direction ends; the other one goes on', () => {
    const result = inspectedTalk(lost(3).packets);
    const at = requestOf().length + 10;
    expect(only(result, 'gap')).toMatchObject([
      { from: 'client', gap: { at, missingBytes: 10 }, leftOutBytes: 3 * 998 },
    ]);
    expect(framesOf(result, 'client')).toEqual([[at - 10, 'seen']]);
    expect(framesOf(result, 'server')).toEqual([[answerOf().length, 'still here']]);
    expect(brokenIn(result)).toEqual([]);
  });

  it('are waited for up to a bound: then what comes behind them is left out', () => {
    const result = inspectedTalk(lost(3000).packets);
    expect(only(result, 'gap')).toMatchObject([{ gap: { missingBytes: 10 }, leftOutBytes: 3000 * 998 }]);
    expect(framesOf(result, 'server')).toEqual([[answerOf().length, 'still here']]);
  });

  it('can be at the end, in front of a FIN', () => {
    const talk = new Talk().open().send('client', requestOf()).send('server', answerOf());
    const result = inspectedTalk(talk.lose('server', Buffer.alloc(7)).close().packets);
    expect(only(result, 'gap')).toMatchObject([{ from: 'server', gap: { at: answerOf().length, missingBytes: 7 } }]);
  });

  it('are those of a packet that was captured in part', () => {
    const talk = new Talk().open().send('client', requestOf()).send('server', answerOf());
    talk.send('client', frameOf('client', BINARY, Buffer.alloc(1000)));
    talk.send('client', frameOf('client', TEXT, 'behind'));
    const files = captured(talk.packets).map(({ timeNs, bytes }) => ({ timeNs, bytes: bytes.subarray(0, 400) }));
    const result = inspected(packetsIn(pcapFile(files)));
    expect(only(result, 'gap')).toMatchObject([{ from: 'client', gap: { missingBytes: 1008 - (400 - 66) } }]);
    expect(framesOf(result, 'client')).toEqual([]);
  });
});

describe('many connections', () => {
  it('are followed up to a number: of the others the one is given up that was quiet for longest', () => {
    const packets = Array.from(
      { length: 1100 },
      (_, i) =>
        new Talk({ clientPort: 1000 + i }).open().send('client', requestOf()).send('server', answerOf()).packets,
    ).flat();
    const result = inspectedTalk(packets);
    expect(result.totals).toMatchObject({ connections: 1100, evictedConnections: 76 });
    expect(
      only(result, 'end')
        .filter(({ how }) => how === 'evicted')
        .map(({ number }) => number),
    ).toEqual(Array.from({ length: 76 }, (_, i) => i + 1));
  });

  it('end by a RST', () => {
    const result = inspectedTalk(
      new Talk().open().send('client', requestOf()).send('server', answerOf()).reset('server').packets,
    );
    expect(only(result, 'end')).toMatchObject([{ how: 'reset', closes: { client: undefined, server: undefined } }]);
  });
});
