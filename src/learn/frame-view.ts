import type { DissectedFrame } from '../anatomy/dissected-frame.js';
import { drawFrame } from '../anatomy/draw-frame.js';
import { summarizeFrame } from '../anatomy/explain-frame.js';
import { FrameDissector } from '../anatomy/frame-dissector.js';
import { type FrameField, fieldsOf } from '../anatomy/frame-fields.js';
import type { Side } from '../anatomy/frame-judge.js';

/** How many frames are shown at most: nobody reads more, and a page of thousands is slow. */
export const MAX_SHOWN_FRAMES = 50;

/** How many bytes of each payload are drawn. */
const DRAWN_BYTES = 64;

/** What is shown of a frame. */
export interface FrameView {
  /** The frame on one line. */
  readonly summary: string;
  /** The drawing of RFC 6455 section 5.2. */
  readonly drawing: string;
  readonly fields: readonly FrameField[];
  /** What the frame breaks, each in a sentence or two. */
  readonly broken: readonly string[];
}

/**
 * Takes the frames apart that these bytes have.
 * @param from the side that sends them; undefined: nobody knows.
 * @throws RangeError for no bytes, and for more than {@link MAX_SHOWN_FRAMES} frames.
 */
export function viewFrames(bytes: Uint8Array, from: Side | undefined): readonly FrameView[] {
  if (bytes.length === 0) throw new RangeError('there are no bytes yet');
  const dissector = new FrameDissector({ from, keptBytes: DRAWN_BYTES });
  const frames = [...dissector.feed(bytes)];
  const rest = dissector.end();
  if (rest !== undefined) frames.push(rest);
  if (frames.length > MAX_SHOWN_FRAMES) {
    throw new RangeError(`at most ${MAX_SHOWN_FRAMES} frames are shown, and these are ${frames.length}`);
  }
  return frames.map(viewOf);
}

function viewOf(frame: DissectedFrame): FrameView {
  const broken = frame.broken.map(({ found, demand, closeCode }) => {
    return `${found}. ${demand}${closeCode === undefined ? '' : ` It is answered with a Close, code ${closeCode}.`}`;
  });
  return { summary: summarizeFrame(frame), drawing: drawFrame(frame), fields: fieldsOf(frame), broken };
}
