/**
 * Texts as people send them: the same question in scripts that need one byte a character, mostly one, mostly three, and four, and
 * JSON, in which most of it travels.
 */
export const TEXTS = {
  ascii: '{"type":"message","id":4711,"room":"lobby","text":"Has anybody seen my left shoe?"} ',
  latin: 'Où est passée ma chaussure gauche ? Größer als üblich, żółta; ¿quién la ha visto esta mañana? ',
  cjk: '有没有人看见我左脚的鞋子?今天早上它还在门口,现在却不见了。',
  emoji: '👟❓ nobody? 🤷🏽‍♀️ 🙈🙉🙊 … 🐕‍🦺💨 oh 🫢🎉 ',
  json: '{"type":"message","id":4711,"from":"Zoë","room":"客厅","text":"Where is my left shoe? 👟 Größe 39","tags":["lost"]} ',
} as const;

/** One of {@link TEXTS}. */
export type TextName = keyof typeof TEXTS;

const SPACE = 0x20;
/** A byte that no UTF-8 text contains. */
const NO_TEXT = 0xff;

/** The names of {@link TEXTS}, and names for the JSON with one invalid byte. */
export const CONTENTS = [
  ...(Object.keys(TEXTS) as TextName[]),
  'invalid at the start',
  'invalid in the middle',
  'invalid at the end',
] as const;

/** One of {@link CONTENTS}. */
export type Content = (typeof CONTENTS)[number];

/** Exactly `length` bytes of a text, repeated; a character that does not fit at the end is replaced by spaces. */
export function textBytes(name: TextName, length: number): Uint8Array<ArrayBuffer> {
  const once = new TextEncoder().encode(TEXTS[name]);
  const bytes = new Uint8Array(length);
  bytes.set(once.subarray(0, length));
  for (let done = once.length; done < length; done *= 2) bytes.copyWithin(done, 0, done);
  let end = length;
  while (end > 0 && ((bytes[end - 1] as number) & 0xc0) === 0x80) end--;
  if (end > 0 && (bytes[end - 1] as number) >= 0xc0) end--;
  return bytes.fill(SPACE, end);
}

/** Exactly `length` bytes of a content, at least one. */
export function contentBytes(content: Content, length: number): Uint8Array<ArrayBuffer> {
  if (content === 'invalid at the start') return invalidAt(0, length);
  if (content === 'invalid in the middle') return invalidAt(length >> 1, length);
  if (content === 'invalid at the end') return invalidAt(length - 1, length);
  return textBytes(content, length);
}

function invalidAt(position: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = textBytes('json', length);
  bytes[position] = NO_TEXT;
  return bytes;
}
