import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { DEFLATE_CASES } from '../../bench/cases.js';
import { compressing, FLOOR, uWebSockets } from '../../bench/contestants.js';
import { sampleOf } from '../../bench/loadgen.js';
import { jsonMessages, MESSAGE_COUNT } from '../../bench/messages.js';
import { DEFLATE_IDLE, DEFLATE_NAMES, idleContestants, throughputContestants } from '../../bench/sections/deflate.js';

const contestant = (name: string) => ({ name, version: '8', command: (port: number) => [name, String(port)] });
const PLAIN = [...['wsloom', 'ws', 'Bun', 'Deno'].map(contestant), uWebSockets('/bin/uws'), FLOOR];

describe('the messages of a load', () => {
  it.each([64, 200, 1024, 4096, 16384])('are JSON in ASCII of exactly %d bytes, each of them different', (bytes) => {
    const messages = jsonMessages(bytes, 100);
    expect(new Set(messages).size).toBe(100);
    for (const text of messages) {
      expect(Buffer.byteLength(text)).toBe(bytes);
      expect(text).toMatch(/^[ -~]+$/);
      expect(() => JSON.parse(text)).not.toThrow();
    }
  });

  it('are the same in every run, and others with another seed', () => {
    expect(jsonMessages(256, 3)).toEqual(jsonMessages(256, 3));
    expect(jsonMessages(256, 3, 2)).not.toEqual(jsonMessages(256, 3));
  });

  it('never exceed their length, wherever the last order ends', () => {
    expect(new Set(jsonMessages(1024, 2000).map(({ length }) => length))).toEqual(new Set([1024]));
  });

  it('are hundreds', () => {
    expect(jsonMessages(64)).toHaveLength(MESSAGE_COUNT);
    expect(MESSAGE_COUNT).toBeGreaterThanOrEqual(300);
  });

  it.each([
    [1024, 0.4, 0.55],
    [4096, 0.3, 0.4],
    [16384, 0.25, 0.35],
  ])('of %d bytes are compressed by zlib to a part between %d and %d', (bytes, least, most) => {
    const messages = jsonMessages(bytes, 50);
    const ratio = messages.reduce((sum, text) => sum + deflateRawSync(text).length, 0) / (50 * bytes);
    expect(ratio).toBeGreaterThan(least);
    expect(ratio).toBeLessThan(most);
  });
});

describe('the section deflate', () => {
  it('is selected as a whole by its name', () => {
    for (const name of DEFLATE_NAMES) expect(name).toContain('deflate');
    expect(DEFLATE_NAMES).toHaveLength(DEFLATE_CASES.length + 1);
  });

  it('has all who compress, in each setting, and wsloom uncompressed', () => {
    const all = throughputContestants(PLAIN, false);
    const names = all.map(({ name }) => name);
    expect(names).toEqual(['wsloom', 'wsloom small', 'ws', 'ws level 2', 'Bun', 'uWebSockets', 'wsloom uncompressed']);
    expect(all.filter(({ compresses }) => compresses !== true).map(({ name }) => name)).toEqual([
      'wsloom uncompressed',
    ]);
  });

  it('starts them with the flags that they compress with', () => {
    const flags = (hasTakeover: boolean) =>
      Object.fromEntries(
        PLAIN.flatMap((plain) =>
          compressing(plain, hasTakeover).map(({ name, command }) => [
            name,
            command(7, 'echo', 20)
              .slice(plain.command(7, 'echo', 20).length)
              .join(' '),
          ]),
        ),
      );
    expect(flags(false)).toEqual({
      wsloom: '--deflate',
      'wsloom small': '--deflate --deflate-level small',
      ws: '--deflate',
      'ws level 2': '--deflate-level 2',
      Bun: 'shared',
      uWebSockets: 'shared',
    });
    expect(flags(true)).toMatchObject({
      wsloom: '--deflate --deflate-takeover',
      'wsloom small': '--deflate --deflate-takeover --deflate-level small',
      ws: '--deflate',
      Bun: 'dedicated',
    });
  });

  it('holds idle connections of each beside the same server uncompressed, after more than a window was sent', () => {
    const names = idleContestants(PLAIN).map(({ name }) => name);
    expect(names.slice(0, 4)).toEqual(['wsloom', 'wsloom uncompressed', 'ws', 'ws uncompressed']);
    expect(names).not.toContain('Deno uncompressed');
    expect(DEFLATE_IDLE.bytes * DEFLATE_IDLE.deflate.messagesEach).toBeGreaterThan(32 * 1024);
  });

  it('reads the ratio of what the server has sent', () => {
    expect(sampleOf('{"mode":"echo","ratio":0.4521}').compressionRatio).toBe(0.4521);
  });
});
