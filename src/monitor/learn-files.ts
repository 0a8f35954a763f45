import { existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';

/** A file of the page that teaches the protocol. */
export interface LearnFile {
  readonly type: string;
  readonly body: string;
}

/** Where its files lie, in `dist/`. */
const HTML = 'learn/page/learn.html';
const STYLE = 'learn/page/learn.css';
const SCRIPT = 'learn/page/learn.js';

/** In learn.html: the path of the WebSocket. */
const SOCKET = '<meta name="socket" content="/">';

/** How compiled modules and learn.js import each other. They have no imports by `import()`, and none of packages. */
const IMPORT = /^(?:import|export)\b[^'"]*?\bfrom '(\.[^']+)';|^import '(\.[^']+)';/gm;

/**
 * Reads the page that teaches RFC 6455 in a browser, and the modules that it is made of: those of `dist/` that its script imports.
 * They are served as they are, under the path of the page.
 * @param path where the page is. It ends with `/learn`.
 * @param socketPath the path of the WebSocket that its last section opens.
 * @returns the files by their paths; none within a bundle, where there are no such files.
 */
export function readLearnFiles(path: string, socketPath: string): ReadonlyMap<string, LearnFile> {
  const files = new Map<string, LearnFile>();
  const here = import.meta.url as string | undefined; // a bundle of CommonJS has none
  if (here === undefined || !existsSync(new URL(`../${HTML}`, here))) return files;
  const read = (name: string) => readFileSync(new URL(`../${name}`, here), 'utf8');
  const html = read(HTML).replace(SOCKET, () => `<meta name="socket" content="${escaped(socketPath)}">`);
  // It names its files relative to its own path, so that a proxy may put the page elsewhere.
  files.set(path, { type: 'text/html', body: html });
  files.set(`${path}/${STYLE}`, { type: 'text/css', body: read(STYLE) });
  const left = [SCRIPT];
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    if (files.has(`${path}/${name}`)) continue;
    const body = read(name).replace(/^\/\/# sourceMappingURL=.*/m, '');
    files.set(`${path}/${name}`, { type: 'text/javascript', body });
    for (const [, named, bare] of body.matchAll(IMPORT)) {
      left.push(posix.join(posix.dirname(name), (named ?? bare) as string)); // one of them has matched
    }
  }
  return files;
}

/** Text for an attribute in quotes. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}
