import type { Kernel } from '../../dist/kernels/kernel.js';
import { rotateKey } from '../../dist/kernels/kernel.js';
import { advance, Utf8 } from '../../dist/kernels/utf8.js';
import { FREE, holds, KEY, place, untouchedAround, xor } from './all-kernels.js';

const START = FREE + 64;

/** Scripts whose characters have one, mostly one, three and mostly four bytes. */
const SCRIPTS = ['plain ASCII, nothing else. ', 'Grüße, été, żółw, ', '床前明月光', 'ok 🚀👍🏽 '];

/** What may not stand in ASCII: two that belong to no text, and two that need what ASCII is not. */
const WRONG_BYTES = [0xff, 0x80, 0xe2, 0xc0];

/** Validates a text, and unmasks and validates it. @returns what is wrong, if anything is */
export function fault(kernel: Kernel, text: Uint8Array, alignment: number, phase = 0): string | undefined {
  const offset = START + alignment;
  const expected = advance(text, 0, text.length, Utf8.ACCEPT);
  place(text, offset);
  const validated = kernel.validate(offset, text.length, Utf8.ACCEPT);
  if (validated !== expected) return `validation gives ${validated}, not ${expected}`;
  if (!holds(text, offset) || !untouchedAround(offset, text.length)) return 'validation writes';
  place(xor(text, phase), offset);
  const unmasked = kernel.unmaskText(offset, text.length, rotateKey(KEY, phase), Utf8.ACCEPT);
  if (unmasked !== expected) return `unmasking and validation give ${unmasked}, not ${expected}`;
  if (!untouchedAround(offset, text.length)) return 'unmasking writes outside its range';
  return expected === Utf8.REJECT || holds(text, offset) ? undefined : 'the text is not unmasked';
}

/** Texts of every script and of one length, at every alignment. @returns what is wrong, if anything is */
export function faultInScripts(kernel: Kernel, length: number): string | undefined {
  for (const script of SCRIPTS) {
    const text = Buffer.from(script.repeat(length)).subarray(0, length);
    for (let alignment = 0; alignment < 16; alignment++) {
      const found = fault(kernel, text, alignment, alignment & 3);
      if (found !== undefined) return `${length} bytes of "${script}" at alignment ${alignment}: ${found}`;
    }
  }
  return undefined;
}

/** Texts of one length with a wrong byte, or with a character of three bytes, at every place. @returns what is wrong */
export function faultInOdds(kernel: Kernel, length: number): string | undefined {
  const plain = Buffer.alloc(length, 'all of it is ASCII, ');
  for (let at = 0; at < length; at++) {
    const wrong = Buffer.from(plain);
    wrong[at] = WRONG_BYTES[at % WRONG_BYTES.length] as number;
    const odd = Buffer.concat([plain.subarray(0, at), Buffer.from('床'), plain.subarray(at)]).subarray(0, length);
    const alignment = (length + at) & 15;
    const found = fault(kernel, wrong, alignment) ?? fault(kernel, odd, alignment);
    if (found !== undefined) return `something at ${at} of ${length}, alignment ${alignment}: ${found}`;
  }
  return undefined;
}
