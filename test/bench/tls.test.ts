import { describe, expect, it } from 'vitest';
import { CannedFrames, switchingProtocols } from '../../bench/canned.js';
import { FLOOR } from '../../bench/contestants.js';
import { figuresOf, medianFigures } from '../../bench/sections/openings.js';
import { STORMS } from '../../bench/sections/storms.js';
import { contestantsOf, TLS_NAMES } from '../../bench/sections/tls.js';

const contestant = (name: string) => ({ name, version: '8', command: (port: number) => [name, String(port)] });

describe('the section tls', () => {
  it('is selected as a whole by its name', () => {
    for (const name of [...TLS_NAMES, STORMS]) expect(name).toContain('tls');
  });

  it('compares those who speak TLS, ws only if it is installed', () => {
    const names = (...plain: string[]) => contestantsOf([...plain.map(contestant), FLOOR]).map(({ name }) => name);
    expect(names('wsloom', 'ws', 'Bun')).toEqual(['wsloom', 'ws', 'floor']);
    expect(names('wsloom')).toEqual(['wsloom', 'floor']);
  });

  it('gives all of them the same certificate', () => {
    const secure = contestantsOf(['wsloom', 'ws'].map(contestant));
    const files = secure.map(({ command }) => command(0, 'echo', 20).filter((text) => /\.(crt|key)$/.test(text)));
    expect(files[0]).toHaveLength(2);
    expect(files).toEqual([files[0], files[0], files[0]]);
    expect(secure.every(({ isSecure }) => isSecure === true)).toBe(true);
    expect(secure[1]?.command(7, 'echo', 20)).toEqual(['ws', '7', ...(files[0] ?? [])]);
  });
});

describe('the figures of opened connections', () => {
  it('are per connection and per core', () => {
    const opening = { connections: 1000, seconds: 2, cpuSeconds: 0.5, firstThreadSeconds: 0.05 };
    expect(figuresOf(opening)).toEqual({
      seconds: 2,
      perSecond: 500,
      cpuMicros: 500,
      perCoreSecond: 2000,
      firstThreadShare: 0.1,
    });
  });

  it('are the medians of each figure', () => {
    const of = (seconds: number, cpuSeconds: number) =>
      figuresOf({ connections: 100, seconds, cpuSeconds, firstThreadSeconds: 0 });
    expect(medianFigures([of(1, 1), of(4, 0.25), of(2, 0.5)])).toMatchObject({ seconds: 2, cpuMicros: 5000 });
    expect(medianFigures([of(1, 0.5), of(4, 0.25), of(2, 1)])).toMatchObject({ seconds: 2, cpuMicros: 5000 });
  });
});

describe('what the floors answer with', () => {
  it.each([
    [20, [0x81, 20]],
    [125, [0x81, 125]],
    [126, [0x81, 126, 0, 126]],
    [65535, [0x81, 126, 255, 255]],
    [65536, [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]],
  ])('is a frame of %d bytes, for one that is four bytes longer', (length, header) => {
    const { batch, frameBytes, framesPerBatch, receivedFrameBytes } = new CannedFrames(length);
    expect([...batch.subarray(0, header.length)]).toEqual(header);
    expect(frameBytes).toBe(header.length + length);
    expect(receivedFrameBytes).toBe(frameBytes + 4);
    expect(batch).toHaveLength(framesPerBatch * frameBytes);
    expect(batch.subarray(-length).every((byte) => byte === 0x61)).toBe(true);
  });

  it('accepts as the example of RFC 6455 section 1.3', () => {
    expect(switchingProtocols('dGhlIHNhbXBsZSBub25jZQ==')).toContain(
      '\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n',
    );
  });
});
