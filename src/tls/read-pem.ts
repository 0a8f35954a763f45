import { readPemFile } from './pem-file.js';
import { pemRefusal, refusal } from './refusal.js';
import type { PemSource } from './tls-description.js';

/** Reads a source, of whatever kind. @param option for the error. */
export type ReadSource = (option: string, source: PemSource) => Promise<string>;

/** What a code of the file system means for a file in PEM. */
const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of its path is no folder',
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
  EISDIR: 'it is a folder',
  ELOOP: 'its links go around in a circle',
};

/**
 * What a path looks like if it is not the path of a key or certificate, but its text: in PEM, in base64 of PEM, or the base64 within PEM.
 * `--tls-key "$KEY"` makes such a path, and an error that named it would show the key.
 */
const IS_TEXT = /-----BEGIN|LS0tLS1CRUdJT|\/M[CHI][A-Za-z0-9+/=\s]{56,}$/;

/** A file that several options name is the same for all of them, even if it changes meanwhile. */
export function readEachOnce(): ReadSource {
  const known = new Map<string, Promise<string>>();
  return async (option, source) => {
    if (source.kind === 'text') return source.text;
    const pending = known.get(source.path) ?? readPemFile(source.path);
    known.set(source.path, pending);
    try {
      return await pending;
    } catch (cause) {
      if (cause instanceof RangeError) throw pemRefusal(option, source, cause.message);
      if (IS_TEXT.test(source.path)) {
        // Without the cause, whose message has the path.
        throw refusal(option, 'must name a file, and is what should be in it: a certificate or key');
      }
      const code = String((cause as NodeJS.ErrnoException).code);
      const why = WHY[code];
      throw pemRefusal(option, source, `cannot be read: ${why === undefined ? code : `${why} (${code})`}`, cause);
    }
  };
}
