import { plainText } from '../plain-text.js';

/** What has a meaning in XML, and characters that look alike and have none. */
const LOOKALIKES: Readonly<Record<string, string>> = { '<': '‹', '>': '›', '&': '＆', '"': '″', "'": '′', '`': '‵' };

/**
 * Text of others as it is safe in the SVG of a chart. Whoever draws the chart escapes text too, so that entities would be seen as such:
 * instead, characters that have a meaning in XML are replaced by others that look alike.
 */
export function svgText(text: string): string {
  return plainText(text).replace(/[<>&"'`]/g, (character) => LOOKALIKES[character] as string);
}
