import { createReadStream } from 'node:fs';
import { isPcap } from '../capture/pcap.js';
import { isPcapng } from '../capture/pcapng.js';
import { OptionError } from '../options/option-error.js';

/** What the input of `wsloom inspect` can be. */
export const FORMATS = ['raw', 'hex', 'pcap', 'pcapng'] as const;

export type Format = (typeof FORMATS)[number];

/** How many bytes are needed to tell what the input is, and how many of them are looked at. */
const START_BYTES = 4;
const LOOKED_AT_BYTES = 4096;

const HEX = /^[\s:,0-9a-fA-FxX\\]+$/;

/** What compressed files begin with: gzip and Zstandard. */
const COMPRESSED: readonly (readonly number[])[] = [
  [0x1f, 0x8b],
  [0x28, 0xb5, 0x2f, 0xfd],
];

/** Says what an input is by its beginning. @throws OptionError for a compressed file. */
export function recognised(start: Uint8Array): Format {
  if (isPcap(start)) return 'pcap';
  if (isPcapng(start)) return 'pcapng';
  if (COMPRESSED.some((magic) => magic.every((byte, i) => start[i] === byte))) {
    throw new OptionError('file', 'the file is compressed: decompress it first, like zcat FILE | wsloom inspect -');
  }
  return HEX.test(Buffer.from(start.subarray(0, LOOKED_AT_BYTES)).toString('latin1')) ? 'hex' : 'raw';
}

/**
 * Reads a file, or standard input (`-`), in parts, of which the first is long enough to tell what it is, unless it is all.
 * @throws OptionError if it cannot be read, or is empty.
 */
export async function* partsOf(file: string): AsyncGenerator<Uint8Array> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  let start: Uint8Array | undefined = new Uint8Array(0);
  try {
    for await (const bytes of input) {
      const part = bytes as Uint8Array; // it has no encoding
      if (start === undefined) {
        yield part;
        continue;
      }
      start = start.length === 0 ? part : Buffer.concat([start, part]);
      if (start.length < START_BYTES) continue;
      yield start;
      start = undefined;
    }
  } catch (cause) {
    const name = file === '-' ? 'standard input' : file;
    throw new OptionError('file', `${name} cannot be read: ${(cause as Error).message}`, { cause });
  }
  if (start === undefined) return;
  if (start.length === 0) throw new OptionError('file', 'there is nothing to inspect: the input is empty');
  yield start;
}
