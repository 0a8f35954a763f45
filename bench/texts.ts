/** What people send: the same text in scripts that need one, mostly one, mostly three, and four bytes a character. */
export const TEXTS = {
  ascii: '{"type":"message","id":4711,"room":"lobby","text":"Has anybody seen my left shoe?"} ',
  latin: 'Où est passée ma chaussure gauche ? Größer als üblich, żółta; ¿quién la ha visto esta mañana? ',
  cjk: '有没有人看见我左脚的鞋子?今天早上它还在门口,现在却不见了。',
  emoji: '👟❓ nobody? 🤷🏽‍♀️ 🙈🙉🙊 … 🐕‍🦺💨 oh 🫢🎉 ',
} as const;

/** One of {@link TEXTS}. */
export type TextName = keyof typeof TEXTS;

/** Exactly `length` bytes of a text, repeated; a character that does not fit at the end is replaced by spaces. */
export function textBytes(name: TextName, length: number): Buffer {
  const once = Buffer.from(TEXTS[name]);
  const bytes = Buffer.alloc(length, once);
  let end = length;
  while (end > 0 && ((bytes[end - 1] as number) & 0xc0) === 0x80) end--;
  if (end > 0 && (bytes[end - 1] as number) >= 0xc0) end--;
  return bytes.fill(' ', end);
}
