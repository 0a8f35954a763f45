/** Which ways to write the JavaScript an engine has measured at some sizes only. */
import { type Engine, isOfView, size } from '../findings.js';
import { enumeration } from '../markdown.js';
import { KIB, paragraph } from './wording.js';

/** JavaScript that finds its bytes in WebAssembly memory. */
export function isInPlace(candidate: string): boolean {
  return candidate.startsWith('js') && !isOfView(candidate);
}

/** The size at which an engine has measured all ways that it measures. */
const ALL_AT = 64 * KIB;

/**
 * Which engines have not measured all of their ways at 1 KiB, and which they have there: faster JavaScript may be missing. Nothing if all have.
 * @param isOne which ways are meant
 */
export function fewerWays(
  all: readonly Engine[],
  isOne: (candidate: string) => boolean,
  ops: readonly ('unmask' | 'validate')[] = ['unmask'],
): string {
  const sentences = ops.flatMap((op) =>
    [...byWays(all, isOne, op)].map(
      ([ways, engines]) =>
        `At ${size(KIB)} ${enumeration(engines)} measured only ${ways}${op === 'validate' ? ' for validation' : ''}.`,
    ),
  );
  return sentences.length === 0 ? '' : paragraph(...sentences, 'So faster JavaScript may be missing there.');
}

/** The engines by what they have measured at 1 KiB, of those that have measured less there. */
function byWays(all: readonly Engine[], isOne: (candidate: string) => boolean, op: 'unmask' | 'validate') {
  const found = new Map<string, string[]>();
  for (const engine of all) {
    const at = (bytes: number) =>
      engine.candidates(op).filter((candidate) => isOne(candidate) && engine.find({ op, candidate, bytes }));
    const [whole, few] = [at(ALL_AT), at(KIB)];
    if (few.length === 0 || few.length >= whole.length) continue;
    const ways = enumeration(few.map((name) => `\`${name}\``));
    found.set(ways, [...(found.get(ways) ?? []), engine.name]);
  }
  return found;
}
