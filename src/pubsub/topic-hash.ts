/** A number for a topic, the same in every thread: FNV-1a over its UTF-16 units, as an int32. */
export function hashTopic(topic: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < topic.length; i++) hash = Math.imul(hash ^ topic.charCodeAt(i), 0x01000193);
  return hash;
}
