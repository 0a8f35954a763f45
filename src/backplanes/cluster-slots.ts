import { BackplaneError } from './backplane-error.js';
import type { EngineAddress } from './engine-options.js';
import { slotOf } from './key-slot.js';
import { PARTITIONS } from './topic-names.js';

/**
 * Reads the answer to `CLUSTER SLOTS`: rows of the first slot, the last one, the master and its replicas; a node is its host, its port and
 * more.
 * @param seed where the question was asked. A node without a host has the host of that one.
 * @returns the master of each partition of topics.
 * @throws BackplaneError if a partition has none, or the answer is not as it should be.
 */
export function mastersOf(answer: unknown, seed: EngineAddress): EngineAddress[] {
  const rows = (Array.isArray(answer) ? answer : []).map((row: unknown) => readRow(row, seed));
  return Array.from({ length: PARTITIONS }, (_, partition) => {
    const slot = slotOf(String(partition));
    const row = rows.find(({ first, last }) => slot >= first && slot <= last);
    if (row === undefined)
      throw new BackplaneError(`the cluster of Redis has no node for slot ${slot}: it is not complete`);
    return row.master;
  });
}

function readRow(row: unknown, seed: EngineAddress) {
  const [first, last, node] = Array.isArray(row) ? (row as unknown[]) : [];
  const [host, port] = Array.isArray(node) ? (node as unknown[]) : [];
  if (typeof first !== 'number' || typeof last !== 'number' || typeof port !== 'number') {
    throw new BackplaneError('the answer of Redis to CLUSTER SLOTS is not as expected');
  }
  const named = host === null || host === undefined ? '' : String(host);
  // A node that does not know its own address says nothing, or '?'.
  return { first, last, master: { host: named === '' || named === '?' ? seed.host : named, port } };
}
