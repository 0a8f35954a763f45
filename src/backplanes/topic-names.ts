import { createHash } from 'node:crypto';
import { hashTopic } from '../pubsub/topic-hash.js';

/** How many characters the name of a topic may have at an engine before a hash stands for it. Engines limit the length of a command. */
const LONGEST_TOKEN = 256;

/** Into how many groups topics are divided. At a cluster of Redis, all topics of a partition are on one node. */
export const PARTITIONS = 128;

/**
 * The name of a topic at an engine: only of letters, digits, `-`, `_` and `=`, never empty, and a different one for each topic. It never
 * contains what engines read as a wildcard, a separator or the end of a line, whoever has chosen the topic.
 *
 * | UTF-16 unit | stands there as |
 * |---|---|
 * | a letter or digit of ASCII, `-`, `_` | itself |
 * | another one up to U+00FF | `=` and two hexadecimal digits |
 * | another one, also a lone surrogate | `=u` and four hexadecimal digits |
 *
 * The empty topic is `=`. For a topic whose name would be longer than 256 characters, `=h` and the SHA-256 of its UTF-16 units
 * stands there.
 */
export function topicToken(topic: string): string {
  if (topic === '') return '=';
  if (topic.length <= LONGEST_TOKEN) {
    const token = topic.replace(/[^A-Za-z0-9_-]/g, escaped);
    if (token.length <= LONGEST_TOKEN) return token;
  }
  return `=h${createHash('sha256').update(Buffer.from(topic, 'utf16le')).digest('base64url')}`;
}

/** Of one UTF-16 unit: the expression above has no flag `u`, so that it finds lone surrogates, and halves of pairs. */
function escaped(unit: string): string {
  const code = unit.charCodeAt(0);
  const digits = code.toString(16).toUpperCase();
  return code <= 0xff ? `=${digits.padStart(2, '0')}` : `=u${digits.padStart(4, '0')}`;
}

/** The partition of a topic, from 0 to 127; the same in every process. */
export function partitionOf(topic: string): number {
  const hash = hashTopic(topic);
  // The low bits of FNV-1a alone are alike for topics that differ in their last characters.
  return (hash ^ (hash >>> 15)) & (PARTITIONS - 1);
}
