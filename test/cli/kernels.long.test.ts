import { describe, expect, it } from 'vitest';
import { parseThresholds } from '../../dist/cli/thresholds.js';
import { resolveOptions } from '../../dist/primary/options.js';
import type { KernelStudy } from '../../dist/study/study-kernels.js';
import { Command } from './command.js';

/** The command computes for two seconds on a quiet machine. On a busy one the test waits longer. */
const BUSY_MS = 120_000;

describe('wsloom kernels', () => {
  it(
    'prints one object as JSON, with thresholds that serve accepts',
    async () => {
      await using command = Command.run('kernels', '--json', '--seconds', '0');
      expect(await command.ended).toBe(0);
      const study = JSON.parse(command.stdout) as KernelStudy & { readonly flag: string };
      // The machine may have been busy.
      expect(command.stderr).toMatch(study.disturbance.wasBusy ? /^The machine was busy, .*\n$/ : /^$/);
      expect(study.disturbance).toEqual({
        unsteadyCases: expect.any(Number),
        lostTime: expect.any(Number),
        wasBusy: expect.any(Boolean),
      });
      expect(study).toMatchObject({ node: process.version, cpu: expect.stringMatching(/./) });
      for (const result of study.results) {
        expect(result).toEqual({
          op: expect.stringMatching(/^(unmask|validate|unmaskText)$/),
          kernel: expect.stringMatching(/^(js-byte|js|wasm-scalar|wasm|native)$/),
          bytes: expect.any(Number),
          content: expect.stringMatching(/^(any|ascii|latin|cjk|emoji)$/),
          ns: expect.any(Number),
          gbps: expect.any(Number),
        });
        // Both have four digits.
        expect((result.gbps * result.ns) / result.bytes).toBeCloseTo(1, 2);
      }
      expect(
        new Set(study.results.map(({ op, kernel, bytes, content }) => `${op} ${kernel} ${bytes} ${content}`)).size,
      ).toBe(study.results.length);
      expect(parseThresholds(study.flag.replace('--thresholds ', ''))).toEqual(study.thresholds);
      resolveOptions({ handler: 'handler.js', thresholds: study.thresholds });
    },
    BUSY_MS,
  );

  it(
    'prints tables for people, and at the end the flag for serve',
    async () => {
      await using command = Command.run('kernels', '--seconds', '0');
      expect(await command.ended).toBe(0);
      expect(command.stdout).toMatch(/^Node v\d+.*\n\n/);
      expect(command.stdout).toMatch(/^ns per call of each kernel; \* is the one that auto is the fastest with$/m);
      expect(command.stdout).toMatch(/^unmaskText cjk 64KiB( +[\d .]+[* ]?){5}$/m);
      expect(command.stdout).toMatch(/^validate ascii( +(\d+(KiB)?|never)){2}$/m);
      expect(command.stdout).toMatch(/\n {2}wsloom serve --thresholds unmaskWasm=\S+,unmaskTextNative=\S+\n$/);
    },
    BUSY_MS,
  );

  it.each([
    [['kernels', '--seconds', 'ten'], /--seconds .*number of seconds/],
    [['kernels', '--fast'], /unknown option '--fast'/],
    [['kernels', 'now'], /too many arguments/],
    [['serve', '--thresholds', '4'], /--thresholds .*sizes by name/],
    [
      ['serve', '--thresholds', 'unmaskWasm=8GiB'],
      /--thresholds must be integers from 0 to 4294967295, got 8589934592/,
    ],
    [['serve', '--thresholds', 'unmaskWasm=8', '--kernel', 'js'], /--thresholds are for the kernel auto, .* js/],
  ])('and serve refuse %j with exit code 2', async (args, says) => {
    await using command = Command.run(...args);
    expect(await command.ended).toBe(2);
    expect(command.stderr).toMatch(says);
    expect(command.stdout).toBe('');
  });
});
