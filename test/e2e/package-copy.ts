import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A project with a copy of the package of its own, deleted at the end of the block that it was made in. */
export class PackageCopy implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'wsloom-copy-'));
  readonly dist = join(this.folder, 'node_modules', 'wsloom', 'dist');

  constructor() {
    mkdirSync(join(this.dist, '..'), { recursive: true });
    cpSync(join(ROOT, 'dist'), this.dist, { recursive: true });
    cpSync(join(ROOT, 'package.json'), join(this.dist, '..', 'package.json'));
    for (const name of ['commander', 'hdr-histogram-js', 'koffi', 'piscina']) {
      symlinkSync(join(ROOT, 'node_modules', name), join(this.folder, 'node_modules', name));
    }
  }

  /** Writes a file of the project: its path. */
  write(name: string, source: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, source);
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** Publishes what comes to everybody, with the `publish` that the import brings. */
export const PUBLISHING = `defineHandler({
  open(connection) { connection.subscribe('all'); },
  message(connection, message) { publish('all', message); publish('all', 'again ' + message.text()); },
})`;
