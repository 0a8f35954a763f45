/**
 * What a message takes in the framing loop of the server with each kernel, without system calls: masked frames lie in the window of an
 * arena, as a read has left them there, and the loop reports them one by one.
 */
import { createKernel, type KernelChoice } from '#dist/kernels/create-kernel.js';
import { Arena, MIN_ARENA_BYTES, WINDOW_BYTES } from '#dist/memory/arena.js';
import { FrameEvent } from '#dist/protocol/frame-event.js';
import { MaskedFrameReader } from '#dist/protocol/masked-frame-reader.js';
import { FIN, Opcode } from '#dist/protocol/opcode.js';
import { textBytes } from '#dist/study/texts.js';
import type { Clock } from './trial.js';

const KIB = 1024;

/** Messages of bytes, of ASCII, and of the JSON in several scripts. */
export const LOOP_CONTENTS = ['binary', 'ascii', 'json'] as const;

/** Bytes, and how many frames one read brings: as many as under the loads of the servers. */
const READS: readonly (readonly [bytes: number, frames: number])[] = [
  [20, 32],
  [125, 32],
  [KIB, 16],
  [16 * KIB, 1],
];

/** One kernel, and one kind of messages. */
export interface LoopKey {
  readonly kernel: KernelChoice;
  readonly content: (typeof LOOP_CONTENTS)[number];
  readonly bytes: number;
}

/** Nanoseconds a message: the mean over all reads, so that pauses of the collector are in it. */
export interface LoopAttempt extends LoopKey {
  readonly ns: number;
}

/** How long each kind of messages warms up and is measured, in ms. */
export interface LoopEffort {
  readonly warmUpMs: number;
  readonly ms: number;
}

export const LOOP_EFFORT: Readonly<Record<'full' | 'quick', LoopEffort>> = {
  full: { warmUpMs: 40, ms: 60 },
  quick: { warmUpMs: 15, ms: 15 },
};

/** How many reads there are from one reading of the clock to the next. */
const READS_A_TIME = 64;

/** In a process of its own for each kernel: code that has met two kernels is slower with both. @throws Error if messages are lost */
export function measureLoop(kernel: KernelChoice, { warmUpMs, ms }: LoopEffort, clock: Clock): LoopAttempt[] {
  const arena = new Arena(MIN_ARENA_BYTES);
  const reader = new MaskedFrameReader(arena, createKernel(kernel, arena.memory), WINDOW_BYTES);
  const kinds = LOOP_CONTENTS.flatMap((content) => READS.map(([bytes, frames]) => ({ content, bytes, frames })));
  const run = (kind: (typeof kinds)[number], forMs: number): number => {
    const end = arena.windowStart + putFrames(arena, kind);
    let reads = 0;
    const start = clock();
    for (; clock() - start < forMs || reads === 0; reads += READS_A_TIME) {
      const found = readAll(reader, arena.windowStart, end);
      if (found !== READS_A_TIME * kind.frames * kind.bytes) throw new Error(`${kernel}: ${found} bytes were found`);
    }
    return ((clock() - start) * 1e6) / (reads * kind.frames);
  };
  // All kinds before any is measured: what is compiled for one kind may be thrown away for the next.
  for (const kind of kinds) run(kind, warmUpMs);
  return kinds.map((kind) => ({
    kernel,
    content: kind.content,
    bytes: kind.bytes,
    ns: Number(run(kind, ms).toPrecision(4)),
  }));
}

/** @returns how many bytes of payload there were */
function readAll(reader: MaskedFrameReader<Buffer>, start: number, end: number): number {
  let bytes = 0;
  for (let read = 0; read < READS_A_TIME; read++) {
    reader.feed(start, end);
    // As a connection goes over what was scanned.
    while (reader.next() === FrameEvent.MESSAGE)
      do bytes += reader.length;
      while (reader.nextScanned());
  }
  return bytes;
}

/**
 * Puts masked frames (RFC 6455 section 5.2) into the window. Their masking key is all zeros, so that unmasking, which does the same work for
 * each key, leaves them as they were for the next read.
 * @returns how many bytes they take
 */
function putFrames(
  { bytes: memory, windowStart }: Arena,
  { content, bytes, frames }: { readonly content: LoopKey['content']; readonly bytes: number; readonly frames: number },
): number {
  const first = FIN | (content === 'binary' ? Opcode.BINARY : Opcode.TEXT);
  const length = bytes < 126 ? [bytes] : [126, bytes >> 8, bytes & 0xff];
  const [short = 0, ...long] = length;
  const header = Uint8Array.of(first, 0x80 | short, ...long, 0, 0, 0, 0);
  const payload = textBytes(content === 'ascii' ? 'ascii' : 'json', bytes);
  let at = windowStart;
  for (let frame = 0; frame < frames; frame++) {
    memory.set(header, at);
    memory.set(payload, at + header.length);
    at += header.length + bytes;
  }
  return at - windowStart;
}
