import { existsSync, readFileSync } from 'node:fs';

/** What is replaced in page.html, so that the page is one answer at one path: what it refers to has no path of its own. */
const PATH = '"/"';
const STYLE = '<link rel="stylesheet" href="page.css">';
const SCRIPT = '<script src="page.js"></script>';

/**
 * Makes the page at `/` from the files in `page/`. It opens a WebSocket to the server that it comes from, and shows what
 * comes back. Nothing is loaded from elsewhere.
 * @param path the path of the WebSocket.
 * @returns '' within a bundle, where there are no such files: {@link expectOwnFiles} does not let that server start.
 */
export function renderPage(path: string): string {
  const here = import.meta.url as string | undefined; // a bundle of CommonJS has none
  if (here === undefined || !existsSync(new URL('./page/page.html', here))) return '';
  const read = (name: string) => readFileSync(new URL(`./page/${name}`, here), 'utf8');
  // Replaced by functions: `$` has a meaning in a string.
  return read('page.html')
    .replace(PATH, () => JSON.stringify(path).replaceAll('<', '\\u003c'))
    .replace(STYLE, () => `<style>\n${read('page.css')}</style>`)
    .replace(SCRIPT, () => `<script>\n${read('page.js')}</script>`);
}
