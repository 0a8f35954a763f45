import { ArenaError } from '../memory/arena.js';

/** The error for an arena without room for what the messages of a thread are compressed and decompressed in. */
export function arenaTooSmall(): ArenaError {
  return new ArenaError('a thread needs an arena of 2 MiB at least to compress messages: raise arenaBytes (--arena)');
}
