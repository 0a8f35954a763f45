import { size } from '../findings.js';
import type { EndToEndResult } from '../results.js';

export const CONTENT_NAMES = { binary: 'binary', ascii: 'ASCII text', utf8: 'text, not ASCII' } as const;

export function caseName({ bytes, content, connections, inFlight }: EndToEndResult): string {
  return `${connections} × ${size(bytes)}, ${inFlight} in flight, ${CONTENT_NAMES[content]}`;
}
