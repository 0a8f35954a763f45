import type { ResolvedDeflateOptions } from '../client/deflate-options.js';
import { MessageDeflate } from '../client/message-deflate.js';
import type { DeflateAgreement } from '../protocol/deflate/agreement.js';
import { MAX_WINDOW_BITS } from '../protocol/deflate/parameters.js';
import { LoadFrames, type LoadFramesOptions } from './frames.js';

/** How connections of a load compress. */
export interface DeflatedFramesOptions extends LoadFramesOptions {
  readonly deflate: ResolvedDeflateOptions;
}

/**
 * The message of a load for connections on which compression is agreed on, prebuilt for each window that a server can want. Each message
 * is compressed without the earlier ones, as a client always may.
 */
export class DeflatedFrames {
  readonly #options: DeflatedFramesOptions;
  readonly #byWindowBits = new Map<number, LoadFrames>();

  /** @throws ArenaError if there is no memory to compress in. */
  constructor(options: DeflatedFramesOptions) {
    this.#options = options;
    this.#of(MAX_WINDOW_BITS); // so that it fails early, if it does
  }

  /** The frames for a connection with this agreement. */
  for({ own }: DeflateAgreement): LoadFrames {
    return this.#of(own.windowBits);
  }

  #of(windowBits: number): LoadFrames {
    const known = this.#byWindowBits.get(windowBits);
    if (known !== undefined) return known;
    const { payload, deflate } = this.#options;
    const alone = { windowBits, contextTakeover: false };
    const compressed = new MessageDeflate({ own: alone, peer: alone }, deflate).compress(payload);
    const frames = new LoadFrames(this.#options, { compressed });
    this.#byWindowBits.set(windowBits, frames);
    return frames;
  }
}
