import { types } from 'node:util';

/**
 * The bytes of a typed array, a DataView or a buffer, not copied; undefined for anything else. They may be of another realm
 * (`node:vm`, test runners), whose classes are not ours.
 * @throws TypeError if the memory was transferred elsewhere, which leaves what would look empty.
 */
export function viewOf(data: unknown): Uint8Array | undefined {
  if (data instanceof Uint8Array) {
    if (data.length === 0) void new Uint8Array(data.buffer); // throws
    return data;
  }
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return types.isAnyArrayBuffer(data) ? new Uint8Array(data) : undefined;
}

/** What a value is, for an error about one that cannot be sent. */
export function kindOf(data: unknown): string {
  return data === null ? 'null' : typeof data;
}
