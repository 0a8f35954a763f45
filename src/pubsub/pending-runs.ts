import { type AboutRun, type DeflatedRuns, extendDeflated, isAbout, type PublicationRun } from './publication-run.js';
import type { SharedChunk } from './shared-chunk.js';

/** What a run takes beside its frames, in bytes. */
const RUN_BYTES = 200;

/**
 * What was published in a turn and has not gone out yet, in runs. While these go out, what is published meanwhile, for example by a logger,
 * is gathered as a turn of its own.
 */
export class PendingRuns {
  #runs: PublicationRun[] = [];
  /** What is published while the others go out. */
  #next: PublicationRun[] = [];
  #areGoingOut = false;
  /** Whether the last run may grow: nobody has been given it yet. */
  #lastIsOpen = false;
  #frameBytes = 0;

  /** The runs, in the order of publishing; while they go out, those that do. */
  get all(): readonly PublicationRun[] {
    return this.#runs;
  }

  get isEmpty(): boolean {
    return this.#runs.length === 0;
  }

  get areGoingOut(): boolean {
    return this.#areGoingOut;
  }

  /** The bytes of frames, plain and compressed, that were noted since the runs have last begun to go out. */
  get frameBytes(): number {
    return this.#frameBytes;
  }

  /** An estimate of the memory that they take. */
  get bytes(): number {
    return this.#frameBytes + RUN_BYTES * this.#runs.length;
  }

  /** More memory is taken by frames. */
  addFrameBytes(bytes: number): void {
    this.#frameBytes += bytes;
  }

  /**
   * Adds publications that lie from `start` to the position of the chunk, to the last run if they belong to it.
   * @param deflated the same publications, compressed; undefined if they go plain to all, or are compressed later.
   * @param messages how many they are.
   * @returns whether that has made a new run.
   */
  append(
    about: AboutRun,
    chunk: SharedChunk,
    start: number,
    deflated: DeflatedRuns | undefined,
    messages: number,
  ): boolean {
    const runs = this.#areGoingOut ? this.#next : this.#runs;
    const last = runs.at(-1);
    if (
      this.#lastIsOpen &&
      last?.chunk === chunk &&
      isAbout(last, about) &&
      (last.deflated === deflated || extendDeflated(last.deflated, deflated))
    ) {
      last.end = chunk.position;
      last.messages += messages;
      return false;
    }
    const { topic, except, isHeldBack, isFromFleet, mayCompress } = about;
    const end = chunk.position;
    runs.push({
      topic,
      chunk,
      start,
      end,
      messages,
      except,
      isHeldBack,
      isFromFleet,
      mayCompress,
      deflated,
      isDeflated: false,
    });
    this.#lastIsOpen = true;
    return true;
  }

  /** The run that was appended last. */
  get last(): PublicationRun | undefined {
    return (this.#areGoingOut ? this.#next : this.#runs).at(-1);
  }

  /** Nothing is added to the last run any more. */
  endRun(): void {
    this.#lastIsOpen = false;
  }

  /** All runs begin to go out. */
  beginGoingOut(): void {
    this.#areGoingOut = true;
    this.#lastIsOpen = false;
    this.#frameBytes = 0;
  }

  /** All have gone out. What was published meanwhile is what is pending now. */
  endGoingOut(): void {
    this.#areGoingOut = false;
    this.#runs = this.#next;
    this.#next = [];
  }
}
