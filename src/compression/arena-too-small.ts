import { ArenaError } from '../memory/arena.js';

/** The smallest arena in which messages can be compressed and decompressed, in bytes. */
export const MIN_COMPRESSING_ARENA_BYTES = 2 * 1024 * 1024;

/** The error for an arena without room for what the messages of a thread are compressed and decompressed in. */
export function arenaTooSmall(): ArenaError {
  return new ArenaError('a thread needs an arena of 2 MiB at least to compress messages: raise arenaBytes (--arena)');
}
