import { hashTopic } from './topic-hash.js';

/*
 * How topics are spread over several engines, and over partitions at an engine. All servers of a fleet have to spread them alike, whatever
 * version of wsloom they run: like the table of an envelope, this is a part of the format that they share, and not to be changed.
 */

/** Into how many groups the topics at an engine are divided. At a cluster of Redis, all topics of a partition are on one node. */
export const PARTITIONS = 128;

/** The partition of a topic, from 0 to 127. */
export function partitionOf(topic: string): number {
  const hash = hashTopic(topic);
  // The low bits of FNV-1a alone are alike for topics that differ in their last characters.
  return (hash ^ (hash >>> 15)) & (PARTITIONS - 1);
}

/**
 * Which of several engines carries a topic: a number below `engines`. It says nothing about the partition: if both came from the same bits, an
 * engine of two would have topics of every other partition only, and half of its nodes nothing to do.
 */
export function engineFor(topic: string, engines: number): number {
  return engines === 1 ? 0 : mixed(hashTopic(topic)) % engines;
}

/** A number from 0 to 2^32 - 1 of which each bit depends on all bits of the hash: the end of MurmurHash3 (Austin Appleby, 2011). */
function mixed(hash: number): number {
  let bits = hash;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
