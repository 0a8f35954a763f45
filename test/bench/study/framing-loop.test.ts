import { describe, expect, it } from 'vitest';
import { measureLoop } from '../../../bench/study/framing-loop.js';
import { framingLoop } from '../../../bench/study/report/framing-loop.js';
import { KERNEL_CHOICES } from '../../../dist/kernels/create-kernel.js';
import { studyOf } from './study.js';

describe('the framing loop of the study', () => {
  it.each(KERNEL_CHOICES)('finds every message of every kind, with the kernel %s', (kernel) => {
    let ms = 0;
    // A reading of the clock takes a millisecond, and there are three around the 64 reads of a kind.
    const attempts = measureLoop(kernel, { warmUpMs: 0, ms: 0 }, () => ms++);
    expect(attempts).toHaveLength(3 * 4);
    expect(new Set(attempts.map(({ content, bytes }) => `${content} ${bytes}`)).size).toBe(12);
    const per = (bytes: number) => attempts.find((one) => one.content === 'json' && one.bytes === bytes)?.ns;
    expect([per(20), per(16384)]).toEqual([1465, 46880]);
  });
});

describe('the framing loop in the report', () => {
  const loop = [
    { kernel: 'js', content: 'binary', bytes: 1024, attempts: [100, 101, 102] },
    { kernel: 'wasm', content: 'binary', bytes: 1024, attempts: [50, 50, 50] },
    { kernel: 'auto', content: 'binary', bytes: 1024, attempts: [25, 50, 50] },
  ] as const;

  it('is compared with that of the kernel in JavaScript', () => {
    const text = framingLoop(studyOf([], { loop, mainNode: 'v26.1.2' }));
    expect(text).toContain('on Node v26.1.2');
    expect(text).toContain('| 1 KiB, binary | 100 | 50.0 (2.00) | – | 25.0~ (4.00~) |');
  });

  it('is left out if it was not measured', () => {
    expect(framingLoop(studyOf([]))).toBe('');
  });
});
