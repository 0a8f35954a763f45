/** What a kernel is worth in the whole server, in words. */
import { figure } from '#dist/cli/table.js';
import { size } from '../findings.js';
import { enumeration } from '../markdown.js';
import type { Study } from '../results.js';
import { gainsByContent, leftOut } from '../servers.js';

const KINDS = { binary: 'binary messages', ascii: 'ASCII text', utf8: 'other text' } as const;

/** What the whole server gains, as a range for each kind of messages, and of which sizes: each figure by itself would say more of the noise. */
export function gainsInServer(results: Study['endToEnd']): string {
  return enumeration(
    gainsByContent(results, 'auto').map(([content, gains]) => {
      const values = gains.map(({ value }) => value);
      const [least, most] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(1));
      const sizes = [...new Set(gains.map(({ result }) => result.bytes))].sort((one, other) => one - other);
      return `${least === most ? '' : `${least} to `}${most} times for ${KINDS[content]} of ${enumeration(sizes.map(size))}`;
    }),
  );
}

/** What that leaves out, with its marks. */
export function notInGains(results: Study['endToEnd']): string {
  const left = leftOut(results, 'auto').map(
    ({ result, value, marks }) => `${figure(value)}${marks} for ${KINDS[result.content]} of ${size(result.bytes)}`,
  );
  return left.length === 0 ? '' : `Not steady, or disturbed: ${enumeration(left)}.`;
}
