import { figure } from '#dist/cli/table.js';
import type { CompressionFigure } from '../compression.js';
import { type Engine, size } from '../findings.js';
import { markdownTable } from '../markdown.js';
import { ONE_CORE } from './cautions.js';

/** @returns nothing for a study that has not measured it. */
export function compression({ name, result }: Engine): string {
  const figures = result.compression ?? [];
  if (figures.length === 0) return '';
  return `### Compression (${name})

JSON messages, all of them different, compressed and decompressed as permessage-deflate wants it: microseconds of a message to compress and to
decompress, and in brackets what is sent divided by its size. A stream of zlib works in another thread, and its time is the time until the message
is done. ${ONE_CORE}

These are best cases. One round in three measures compression: an attempt is the fastest of several passes, and of so few attempts the lower quartile
is the least one. The gate does not check them.

Each message by itself:

${tableOf(figures.filter(({ contextTakeover }) => !contextTakeover))}

With context takeover, in windows of 4 KiB:

${tableOf(figures.filter(({ contextTakeover }) => contextTakeover))}`;
}

function tableOf(figures: readonly CompressionFigure[]): string {
  const sizes = [...new Set(figures.map(({ bytes }) => bytes))];
  const candidates = [...new Set(figures.map(({ candidate }) => candidate))];
  const rows = candidates.map((candidate) => [
    candidate,
    ...sizes.map((bytes) => {
      const found = figures.find((one) => one.candidate === candidate && one.bytes === bytes);
      if (found === undefined) return '';
      const inflating = found.inflateMicros === 0 ? '–' : figure(found.inflateMicros);
      return `${figure(found.deflateMicros)} + ${inflating} (${found.ratio.toFixed(3)})${found.isSteady === false ? '~' : ''}`;
    }),
  ]);
  return markdownTable(['', ...sizes.map(size)], rows);
}
