import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteFeeder } from '../../dist/capture/byte-feeder.js';
import { CaptureError } from '../../dist/capture/captured-packet.js';
import { parsePcap } from '../../dist/capture/pcap.js';
import { parsePcapng } from '../../dist/capture/pcapng.js';
import { inspected, packetsIn } from './inspected.js';
import { pcapFile, pcapngBlock, pcapngFile, pcapngInterface, pcapngPacket, pcapngSection } from './packets.js';
import { answerOf, captured, frameOf, requestOf, Talk } from './talk.js';

const PACKETS = [0, 1, 2, 3, 5].map((bytes, i) => ({
  timeNs: 1_700_000_000_123_456_789n + BigInt(i),
  bytes: Buffer.alloc(bytes, i),
}));

const ORDERS = [
  ['little endian, microseconds', { isLittle: true, isNano: false }],
  ['big endian, microseconds', { isLittle: false, isNano: false }],
  ['little endian, nanoseconds', { isLittle: true, isNano: true }],
  ['big endian, nanoseconds', { isLittle: false, isNano: true }],
] as const;

const FORMATS = [
  ['pcap', pcapFile],
  ['pcapng', pcapngFile],
  [
    'pcapng with more blocks',
    (packets: typeof PACKETS, options: object) => pcapngFile(packets, { ...options, hasMore: true }),
  ],
] as const;

describe.each(FORMATS)('a file of %s', (_, write) => {
  it.each(ORDERS)('is read: %s, however it is cut', (__, options) => {
    const file = write(PACKETS, options);
    const unit = options.isNano ? 1n : 1000n;
    const expected = PACKETS.map(({ timeNs, bytes }) => ({
      timeNs: (timeNs / unit) * unit,
      linkType: 1,
      bytes: Uint8Array.from(bytes),
    }));
    for (const cut of [1, 2, 3, 5, 24, 64, 100_000]) {
      expect(packetsIn(file, cut).map((packet) => ({ ...packet, bytes: Uint8Array.from(packet.bytes) }))).toEqual(
        expected,
      );
    }
  });

  it('may be cut off anywhere: what is whole is read, and the cut is known', () => {
    const file = write(PACKETS, {});
    const whole = packetsIn(file).length;
    const step = Math.max(1, Math.floor(file.length / 400));
    let ends = 0;
    for (let end = 0; end < file.length; end += step) {
      const feeder = new ByteFeeder(file[0] === 0x0a ? parsePcapng() : parsePcap());
      const found = [...feeder.feed(file.subarray(0, end))];
      expect(found.length).toBeLessThanOrEqual(whole);
      if (!feeder.isMidRecord) ends++;
    }
    expect(ends).toBeLessThan(20);
  });
});

describe('a file that lies', () => {
  const read = (file: Uint8Array) => () => packetsIn(file);

  it('is refused at the packet whose length cannot be', () => {
    const file = pcapFile(PACKETS);
    file.writeUInt32LE(0xffffffff, 24 + 16 + 8);
    expect(read(file)).toThrow(
      new CaptureError('the capture is damaged at byte 40: a packet of 4294967295 bytes, of 262144 at most'),
    );
  });

  it.each([
    ['a block of no bytes', Buffer.from([9, 0, 0, 0, 0, 0, 0, 0])],
    ['a block that is no multiple of 4', Buffer.from([9, 0, 0, 0, 13, 0, 0, 0])],
    ['a block with another length at its end', pcapngBlock(9, Buffer.alloc(4)).fill(1, 12)],
    ['a packet of no interface', pcapngPacket({ timeNs: 0n, bytes: Buffer.alloc(4) }, false)],
    ['an interface that is too short', pcapngBlock(1, Buffer.alloc(4))],
    ['a packet that is too short', Buffer.concat([pcapngInterface(1, false), pcapngBlock(6, Buffer.alloc(8))])],
    [
      'a packet longer than its block',
      Buffer.concat([pcapngInterface(1, false), pcapngBlock(6, Buffer.alloc(20, 0).fill(9, 12, 13))]),
    ],
    ['too many interfaces', Buffer.concat(Array.from({ length: 1025 }, () => pcapngInterface(1, false)))],
    ['a section of no byte order', Buffer.concat([pcapngBlock(0x0a0d0d0a, Buffer.alloc(16))])],
  ])('is refused for %s', (_, block) => {
    expect(read(Buffer.concat([pcapngSection(), block]))).toThrow(/^the capture is damaged at byte \d+: /);
  });

  it('takes no memory for a block of 4 GiB that is passed over', () => {
    const head = Buffer.alloc(8);
    head.writeUInt32LE(0x0bad, 0);
    head.writeUInt32LE(0xfffffffc, 4);
    const feeder = new ByteFeeder(parsePcapng());
    expect([...feeder.feed(Buffer.concat([pcapngSection(), head]))]).toEqual([]);
    const part = Buffer.alloc(1024 * 1024);
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 64; i++) expect([...feeder.feed(part)]).toEqual([]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
    expect(feeder.isMidRecord).toBe(true);
  });

  it('never does worse than to be refused, whatever is changed in it', () => {
    const talk = new Talk({ segmentBytes: 200 }).open().send('client', requestOf()).send('server', answerOf());
    talk
      .send('client', frameOf('client', 1, 'hello'))
      .send('server', frameOf('server', 2, Buffer.alloc(500)))
      .close();
    const packets = captured(talk.packets);
    const change = fc.record({ at: fc.nat(4000), byte: fc.nat(255) });
    const property = fc.property(
      fc.boolean(),
      fc.array(change, { minLength: 1, maxLength: 12 }),
      (isPcapng, changes) => {
        const file = isPcapng ? pcapngFile(packets) : pcapFile(packets);
        for (const { at, byte } of changes) file[at % file.length] = byte;
        const feeder = new ByteFeeder(isPcapng ? parsePcapng() : parsePcap());
        try {
          inspected(feeder.feed(file));
        } catch (error) {
          expect(error).toBeInstanceOf(CaptureError);
        }
      },
    );
    fc.assert(property, { numRuns: 400 });
  });
});
