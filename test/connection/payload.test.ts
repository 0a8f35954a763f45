import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { payloadBytes, payloadOf } from '../../dist/connection/payload.js';
import { ArgumentTypeError } from '../../dist/options/argument-error.js';

/** Of another realm, like what a test runner or `node:vm` makes. */
const foreign = (source: string): ArrayBuffer => runInNewContext(source);

describe('a payload', () => {
  it.each([
    'new ArrayBuffer(4)',
    'new SharedArrayBuffer(4)',
    'new Uint8Array(4)',
    'new Uint8Array(new ArrayBuffer(12), 4, 4)',
    'new Float32Array(1)',
    'new DataView(new ArrayBuffer(12), 4, 4)',
    'new ArrayBuffer(4, { maxByteLength: 8 })',
    'new Uint8Array(new ArrayBuffer(4, { maxByteLength: 8 }))',
  ])('can be %s of this realm and of another', (source) => {
    // biome-ignore lint/security/noGlobalEval: it is the source of the test itself
    for (const data of [globalThis.eval(source), foreign(source)] as ArrayBuffer[]) {
      expect([...payloadOf(data)]).toEqual([0, 0, 0, 0]);
      expect(payloadBytes(data)).toBe(4);
    }
  });

  it('is a view: nothing is copied', () => {
    const memory = new ArrayBuffer(4);
    payloadOf(memory)[1] = 7;
    payloadOf(new DataView(memory, 2, 2))[1] = 9;
    expect([...new Uint8Array(memory)]).toEqual([0, 7, 0, 9]);
    const bytes = new Uint8Array(memory);
    expect(payloadOf(bytes)).toBe(bytes);
  });

  it('can be empty', () => {
    for (const data of [new ArrayBuffer(0), new Uint8Array(0), Buffer.alloc(0), new DataView(new ArrayBuffer(1), 1)]) {
      expect(payloadOf(data)).toHaveLength(0);
    }
  });

  it('is not memory that was transferred elsewhere, which would look empty', () => {
    for (const view of [(memory: ArrayBuffer) => memory, (memory: ArrayBuffer) => new Uint8Array(memory)]) {
      const memory = new ArrayBuffer(4);
      const data = view(memory);
      structuredClone(memory, { transfer: [memory] });
      expect(() => payloadOf(data)).toThrow(
        new ArgumentTypeError(
          'WSLOOM_DATA',
          'only a string, an ArrayBuffer, a typed array or a Message can be sent, got memory that was transferred elsewhere',
        ),
      );
    }
  });

  it.each([
    [null, 'null'],
    [undefined, 'undefined'],
    [5, 'number'],
    [[1, 2], 'object'],
    [{ byteLength: 4 }, 'object'],
  ])('is not %j', (data, found) => {
    expect(() => payloadOf(data as unknown as ArrayBuffer)).toThrow(
      new ArgumentTypeError(
        'WSLOOM_DATA',
        `only a string, an ArrayBuffer, a typed array or a Message can be sent, got ${found}`,
      ),
    );
  });
});
