import { isUtf8 } from 'node:buffer';
import type { Kernel } from '../kernels/kernel.js';
import { Utf8 } from '../kernels/utf8.js';
import { TEXTS, type TextName, textBytes } from './texts.js';

const KEY = 0x3d21fa37;
const NAMES = Object.keys(TEXTS) as TextName[];

/**
 * Checks the result of each operation of a kernel, at one place of its memory. A fast kernel that is wrong is of no use.
 * @param bytes the kernel's memory; the range is overwritten
 * @throws Error if a result is wrong
 */
export function verify(name: string, kernel: Kernel, bytes: Buffer, offset: number, length: number): void {
  const text = NAMES[length % NAMES.length] as TextName;
  const clear = textBytes(text, length);
  const masked = clear.map((byte, i) => byte ^ (KEY >>> ((i & 3) << 3)));
  const range = bytes.subarray(offset, offset + length);
  const expect = (operation: string, right: boolean) => {
    if (!right) throw new Error(`${name}: ${operation} of ${length} bytes of ${text} is wrong`);
  };
  range.set(masked);
  kernel.unmask(offset, length, KEY);
  expect('unmask', range.equals(clear));
  expect('validate', isUtf8(clear) && kernel.validate(offset, length, Utf8.ACCEPT) === Utf8.ACCEPT);
  range.set(masked);
  const state = kernel.unmaskText(offset, length, KEY, Utf8.ACCEPT);
  expect('unmaskText', state === Utf8.ACCEPT && range.equals(clear));
  range[length >> 1] = 0xff;
  expect('validate', kernel.validate(offset, length, Utf8.ACCEPT) === Utf8.REJECT);
}
