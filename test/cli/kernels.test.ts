import { describe, expect, it } from 'vitest';
import { showStudy, warningOf } from '../../dist/cli/kernels.js';
import { THRESHOLDS } from '../../dist/kernels/thresholds.js';
import type { KernelStudy } from '../../dist/study/study-kernels.js';

const QUIET = { unsteadyCases: 0.01, lostTime: 0.03, wasBusy: false };

/** A study of one size, in which kernels that auto does not use are faster than those that it uses. */
const STUDY: KernelStudy = {
  node: 'v26.12.1',
  cpu: 'a processor',
  results: [
    { op: 'unmask', kernel: 'js-byte', bytes: 16, content: 'any', ns: 1, gbps: 16 },
    { op: 'unmask', kernel: 'wasm', bytes: 16, content: 'any', ns: 4, gbps: 4 },
    { op: 'unmask', kernel: 'native', bytes: 16, content: 'any', ns: 2, gbps: 8 },
    { op: 'validate', kernel: 'wasm', bytes: 16, content: 'ascii', ns: 5, gbps: 3.2 },
    { op: 'validate', kernel: 'native', bytes: 16, content: 'ascii', ns: 8, gbps: 2 },
    { op: 'validate', kernel: 'native', bytes: 64, content: 'ascii', ns: 8, gbps: 8 },
  ],
  crossovers: [],
  choices: [
    { op: 'unmask', content: 'any', bytes: 16, kernel: 'wasm' },
    { op: 'validate', content: 'ascii', bytes: 16, kernel: 'native' },
    { op: 'validate', content: 'ascii', bytes: 64, kernel: 'wasm' },
    { op: 'validate', content: 'cjk', bytes: 16, kernel: 'wasm' },
  ],
  disturbance: QUIET,
  thresholds: THRESHOLDS,
};

describe('the table of wsloom kernels', () => {
  const text = showStudy(STUDY, '--thresholds X');

  it('has its star beside the kernel that auto is the fastest with, of this operation, text and size', () => {
    expect(text).toMatch(/^unmask any 16 +1\.00 +4\.00\* +2\.00$/m);
    expect(text).toMatch(/^validate ascii 16 +5\.00 +8\.00\*$/m);
    expect(text).toMatch(/^validate ascii 64 +8\.00$/m);
  });

  it('says above what the star is, and at the end the flag', () => {
    expect(text).toContain('\nns per call of each kernel; * is the one that auto is the fastest with\n');
    expect(text).toMatch(/\n {2}wsloom serve --thresholds X\n$/);
  });
});

describe('the warning', () => {
  it('is not there if the machine was quiet', () => {
    expect(warningOf(QUIET)).toBeUndefined();
  });

  it('says in one line how busy the machine was', () => {
    const warning = warningOf({ unsteadyCases: 0.124, lostTime: 0.5, wasBusy: true });
    expect(warning).toMatch(/^The machine was busy, .* for 50 % of the time, .* in 12 % of the cases .*\.$/);
  });
});
