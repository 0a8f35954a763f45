import { describe, expect, it } from 'vitest';
import { readHex } from '../../dist/anatomy/hex.js';
import { MAX_SHOWN_FRAMES, viewFrames } from '../../dist/learn/frame-view.js';

describe('what is shown of frames', () => {
  it('is the drawing, the fields and what they break', () => {
    const [view, ...others] = viewFrames(readHex('818537fa213d7f9f4d5158'), 'client');
    expect(others).toEqual([]);
    expect(view?.drawing).toContain('Masking-key');
    expect(view?.fields.at(-1)?.meaning).toBe('"Hello"');
    expect(view?.broken).toEqual([]);
  });

  it('says what the other side would be answered', () => {
    const [view] = viewFrames(readHex('818537fa213d7f9f4d5158'), 'server');
    expect(view?.broken).toEqual([expect.stringMatching(/^masked frame from a server .* Close, code 1002\.$/)]);
  });

  it('has the frame that is cut off', () => {
    const views = viewFrames(readHex('8100 8105'), 'server');
    expect(views).toHaveLength(2);
    expect(views[1]?.broken.join()).toContain('cut off');
  });

  it('is refused for no bytes, and for too many', () => {
    expect(() => viewFrames(new Uint8Array(0), undefined)).toThrow('there are no bytes yet');
    expect(() => viewFrames(new Uint8Array(2 * MAX_SHOWN_FRAMES), undefined)).not.toThrow();
    expect(() => viewFrames(new Uint8Array(2 * MAX_SHOWN_FRAMES + 2), undefined)).toThrow(
      'at most 50 frames are shown, and these are 51',
    );
  });
});
