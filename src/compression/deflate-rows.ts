import { DEFLATE_KERNEL_CHOICES } from '../kernels/create-deflater.js';
import { DEFLATE_LEVELS } from '../kernels/deflater.js';
import { choice, count, size, toggle } from '../options/define.js';
import { MIN_PEER_WINDOW_BITS } from '../protocol/deflate/agreement.js';
import { MAX_WINDOW_BITS } from '../protocol/deflate/parameters.js';

const MAX_MESSAGE_BYTES = 2 ** 32 - 1;

/** Every option of {@link DeflateOptions}. */
export const DEFLATE_ROWS = {
  level: choice({
    choices: DEFLATE_LEVELS,
    byDefault: 'fast',
    flag: '--deflate-level',
    placeholder: 'level',
    help: 'how hard to try',
  }),
  thresholdBytes: size({
    least: 0,
    most: MAX_MESSAGE_BYTES,
    byDefault: 256,
    flag: '--deflate-threshold',
    help: 'shorter messages are not compressed: their length before that',
  }),
  windowBits: count({
    least: MIN_PEER_WINDOW_BITS,
    most: MAX_WINDOW_BITS,
    byDefault: 12,
    flag: '--deflate-window-bits',
    placeholder: 'bits',
    help: 'with --deflate-takeover, how much of earlier messages is kept for each direction: 2^bits bytes, 9 to 15',
  }),
  contextTakeover: toggle({
    flag: '--deflate-takeover',
    help: 'messages may refer to earlier ones of their connection (see docs/security.md)',
  }),
  fullWindows: toggle({
    flag: '--deflate-full-windows',
    help: 'with --deflate-takeover, keep 32 KiB for a peer that cannot use less',
  }),
  kernel: choice({
    choices: DEFLATE_KERNEL_CHOICES,
    byDefault: 'auto',
    flag: '--deflate-kernel',
    placeholder: 'name',
    help: 'what compresses and decompresses',
  }),
} as const;
