import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeflateStudy } from '../../dist/study/study-deflate.js';
import { RECORDS } from '../client/zlib-peer.js';
import { Command } from './command.js';

let folder: string;
const path = (name: string) => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wsloom-'));
  writeFileSync(path('messages'), `${RECORDS}\n\n${RECORDS}\r\n{"id":1}\nno newline`);
  writeFileSync(path('empty'), '');
  symlinkSync('/dev/zero', path('endless'));
  writeFileSync(path('no message'), '\n\r\n\n');
  writeFileSync(path('long'), `short\n${'x'.repeat(16 * 1024 * 1024 + 1)}\n`);
  writeFileSync(path('huge'), '');
  truncateSync(path('huge'), 256 * 1024 * 1024 + 1);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('wsloom deflate', () => {
  it('prints one object as JSON, with a figure for each way', async () => {
    await using command = Command.run('deflate', path('messages'), '--json', '--seconds', '0', '--window-bits', '13');
    expect(await command.ended).toBe(0);
    expect(command.stderr).toBe('');
    const study = JSON.parse(command.stdout) as DeflateStudy;
    expect(study).toMatchObject({
      node: process.version,
      messages: 4,
      bytes: 2 * RECORDS.length + 8 + 10,
      lengths: { least: 8, median: 10, most: RECORDS.length },
      windowBits: 13,
    });
    const ways = study.results.map(({ by, level, contextTakeover }) => `${by} ${level} ${contextTakeover}`);
    expect([...new Set(ways)].sort()).toEqual(
      ['wsloom', 'zlib'].flatMap((by) =>
        ['fast', 'small'].flatMap((level) => [`${by} ${level} false`, `${by} ${level} true`]),
      ),
    );
    for (const { bytes, ratio, deflateMicros, inflateMicros } of study.results) {
      expect(ratio).toBeCloseTo(bytes / study.bytes, 9);
      expect(ratio).toBeLessThan(0.4);
      expect(deflateMicros).toBeGreaterThan(0);
      expect(inflateMicros).toBeGreaterThan(0);
    }
  });

  it('prints tables for people, and what compression costs and saves', async () => {
    await using command = Command.run('deflate', path('messages'), '--seconds', '0');
    expect(await command.ended).toBe(0);
    expect(command.stdout).toMatch(
      /^Node v\d+.*\n\n4 messages, \d+ bytes: from 8 to \d+ each, half of them up to 10\n/,
    );
    expect(command.stdout).toMatch(/^Each by itself; µs a message\n( .*\n-.*\n)(\w+ (fast|small) .*\n){4}\n/m);
    expect(command.stdout).toMatch(
      /^With context takeover, windows of 4 KiB\n( .*\n-.*\n)(\w+ (fast|small) .*\n){4}\n/m,
    );
    expect(command.stdout).toMatch(/^wsloom fast( +[\d .]+){3} +2$/m);
    expect(command.stdout).toMatch(
      /\nTo send 10000 of these messages a second, wsloom fast saves [\d .]+ of [\d .]+ Mbit\/s, and takes [\d .]+ % of a core\.\n$/,
    );
  });

  it.each([
    ['nowhere', /^wsloom: the messages cannot be read: ENOENT: .*nowhere'\n$/],
    ['.', /^wsloom: the messages cannot be read: EISDIR: .*\n$/],
    ['empty', /^wsloom: ".*" has no message: it must have one a line\n$/],
    ['no message', /^wsloom: ".*" has no message: it must have one a line\n$/],
    ['long', /^wsloom: line 2 of ".*" has 16777217 bytes: it may have up to 16 MiB\n$/],
    ['endless', /^wsloom: ".*" has .*: it may have up to 256 MiB\n$/],
    ['huge', /^wsloom: ".*" has .*: it may have up to 256 MiB\n$/],
  ])('says in one line what is wrong with the file %s', async (name, says) => {
    await using command = Command.run('deflate', path(name));
    expect(await command.ended).toBe(2);
    expect(command.stdout).toBe('');
    expect(command.stderr).toMatch(says);
  });

  it.each([
    [['deflate'], /^wsloom: missing required argument 'file' .*\n$/],
    [['deflate', 'a', '--window-bits', '8'], /^wsloom: --window-bits must be an integer from 9 to 15, got 8\n$/],
    [['deflate', 'a', '--seconds', '-1'], /^wsloom: option '--seconds <seconds>' .*number of seconds.*\n$/],
    [['deflate', 'a', '--quick'], /^wsloom: unknown option '--quick' .*\n$/],
  ])('says in one line what is wrong with %j', async (args, says) => {
    await using command = Command.run(...args);
    expect(await command.ended).toBe(2);
    expect(command.stderr).toMatch(says);
  });
});
