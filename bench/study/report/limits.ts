import { enumeration, list } from '../markdown.js';
import type { Study } from '../results.js';

export function limits({ machine, engines, isQuick }: Study): string {
  return list(
    [
      `One machine (${machine.cpu}), x64, virtual. Other processors have other vectors and other caches; arm64 was not tried. Ratios travel better than GB/s, and crossovers worse than both.`,
      `Versions: ${enumeration(engines.map(({ node, v8 }) => `${node} with V8 ${v8}`))}. Another minor may compile otherwise.`,
      'Code is warm. What a function costs before it is compiled is not measured; servers live long.',
      'Each loop sees one candidate. A call site that meets several is slower, for all of them.',
      'Cold cache includes cold translation of addresses, and 256 places in no order: a stream that hardware can foresee is between hot and cold.',
      'The thresholds of `auto` are for messages that go through the framing loop: small ones that arrive whole are unmasked and validated by WASM in one call a read, whatever the thresholds.',
      'End to end, server and client share a machine, and its loopback device takes the place of a network.',
      isQuick ? 'It is a quick run.' : '',
    ].filter((item) => item !== ''),
  );
}
