import { describe, expect, it } from 'vitest';
import { messagesIn, showDeflateStudy } from '../../dist/cli/deflate.js';
import { studyDeflate } from '../../dist/study/study-deflate.js';
import { RECORDS } from '../client/zlib-peer.js';

describe('the messages of a file', () => {
  const texts = (file: string) => messagesIn(Buffer.from(file), 'f').map((bytes) => String(bytes));

  it('are its lines, without their ends, and without empty ones', () => {
    expect(texts('a\nb\r\n\n\r\nc\rd\n e ')).toEqual(['a', 'b', 'c\rd', ' e ']);
    expect(texts('a\r')).toEqual(['a']);
    expect(texts('a\r\r\n')).toEqual(['a\r']);
  });

  it('are at least one', () => {
    expect(() => texts('\n\r\n')).toThrow('"f" has no message: it must have one a line');
  });

  it('takes a message of 16 MiB', () => {
    const file = Buffer.alloc(16 * 1024 * 1024 + 2, 'x').fill('\r\n', 16 * 1024 * 1024);
    expect(messagesIn(file, '').map(({ length }) => length)).toEqual([16 * 1024 * 1024]);
  });
});

describe('a study of compression', () => {
  it('says of messages that do not get smaller that they go as they are', async () => {
    const { results } = await studyDeflate([Buffer.from('x'), Buffer.from('yz')], { seconds: 0, windowBits: 9 });
    const [fast] = results;
    expect(fast).toMatchObject({ by: 'wsloom', ratio: 1, bytes: 3, uncompressed: 2, inflateMicros: 0 });
    expect(results.filter(({ by }) => by === 'zlib').every(({ ratio }) => ratio > 1)).toBe(true);
  });

  it('finds that context takeover makes messages smaller that are alike, and larger windows more so', async () => {
    const messages = Array.from({ length: 20 }, (_, i) => Buffer.from(RECORDS.replace('user-0', `user-${i}`)));
    const ratios = async (windowBits: number) =>
      (await studyDeflate(messages, { seconds: 0, windowBits })).results
        .filter(({ by }) => by === 'wsloom')
        .map(({ ratio }) => ratio);
    const [alone = 0, , small = 0] = await ratios(9);
    const [sameAlone = 0, , large = 0] = await ratios(15);
    expect(sameAlone).toBe(alone);
    expect(small).toBeLessThan(alone);
    expect(large).toBeLessThan(small / 4);
  });

  it('shows one message as one', async () => {
    const study = await studyDeflate([Buffer.from(RECORDS)], { seconds: 0, windowBits: 15 });
    expect(showDeflateStudy(study)).toMatch(/^1 message, \d+ bytes: from (\d+) to \1 each, half of them up to \1$/m);
    expect(showDeflateStudy(study)).toContain('windows of 32 KiB');
  });
});
