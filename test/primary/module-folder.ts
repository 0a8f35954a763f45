import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** A top-level await that does not settle. */
export const NEVER = 'await new Promise(() => {});';

/** A folder of handler modules that do something before they can be handlers. Deleted at the end of its block. */
export class ModuleFolder implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'wsloom-starting-'));

  /** An echo handler, whose clients can end its thread in several ways. @param before what it does while it loads */
  write(name: string, before: string): { readonly path: string; readonly url: URL } {
    const url = this.writeSource(
      name,
      `import { existsSync } from 'node:fs';
      import { isMainThread } from 'node:worker_threads';
      ${before}
      export default { message(connection, message) {
        const text = message.text();
        if (text === 'exit') process.exit(3);
        if (text === 'throw') setTimeout(() => { throw new Error('from a timer'); });
        if (text === 'throw no error') setTimeout(() => { throw { toString: 1, valueOf: 1 }; });
        if (text === 'reject') void Promise.reject(new Error('awaited by nobody'));
        connection.send(text);
      } };`,
    );
    return { path: fileURLToPath(url), url };
  }

  writeSource(name: string, source: string): URL {
    const path = join(this.folder, name);
    writeFileSync(path, source);
    return pathToFileURL(path);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}
