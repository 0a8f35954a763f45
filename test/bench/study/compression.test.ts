import { describe, expect, it } from 'vitest';
import { type CompressionFigure, jsonMessages } from '../../../bench/study/compression.js';
import { studyMarkdown } from '../../../bench/study/report.js';
import { deserialize, serialize } from '../../../bench/study/results.js';
import { engineOf, figureOf, studyOf } from './study.js';

describe('the messages that are compressed', () => {
  it.each([64, 1024, 65_536])('have exactly %i bytes, are all different, and the same in each run', (bytes) => {
    const messages = jsonMessages(bytes);
    expect(messages.every(({ length }) => length === bytes)).toBe(true);
    expect(new Set(messages.map((message) => String(message))).size).toBe(messages.length);
    expect(messages.length).toBeGreaterThan(60);
    expect(Buffer.concat(jsonMessages(bytes)).equals(Buffer.concat(messages))).toBe(true);
  });
});

describe('the chapter about compression', () => {
  const figure = (candidate: string, bytes: number, more: Partial<CompressionFigure> = {}): CompressionFigure => ({
    candidate,
    contextTakeover: false,
    bytes,
    ratio: 0.4567,
    deflateMicros: 6.651,
    inflateMicros: 2.694,
    ...more,
  });
  const study = (compression: readonly CompressionFigure[]) => {
    return studyOf([], { engines: [engineOf([figureOf('js', 1024, 250)], { compression })] });
  };

  it('has a row for each candidate and a column for each size', () => {
    const figures = [
      figure('wsloom fast', 64, { ratio: 1, inflateMicros: 0 }),
      figure('wsloom fast', 1024),
      figure('zlib one-shot 1', 1024, { deflateMicros: 22.2 }),
      figure('zlib stream 1', 1024, { contextTakeover: true }),
    ];
    const text = studyMarkdown(deserialize(serialize(study(figures))), {});
    expect(text).toContain(
      [
        'Each message by itself:',
        '',
        '|  | 64 B | 1 KiB |',
        '| --- | --: | --: |',
        '| wsloom fast | 6.65 + – (1.000) | 6.65 + 2.69 (0.457) |',
        '| zlib one-shot 1 |  | 22.2 + 2.69 (0.457) |',
      ].join('\n'),
    );
    expect(text).toContain('| zlib stream 1 | 6.65 + 2.69 (0.457) |');
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('is not there if compression was not measured', () => {
    expect(studyMarkdown(study([]), {})).not.toContain('### Compression');
  });
});
