import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll } from 'vitest';

/** A module in a file. */
export interface ModuleFile {
  readonly path: string;
  readonly href: string;
}

/** Modules that the tests of a file write to a folder. The folder is removed after these tests. */
export class ModuleFiles {
  readonly folder = mkdtempSync(join(tmpdir(), 'wsloom-handler-'));
  #written = 0;

  constructor() {
    afterAll(() => rmSync(this.folder, { recursive: true }));
  }

  /** Writes a new module with this source. */
  write(source: string, extension = 'mjs'): ModuleFile {
    const path = join(this.folder, `handler-${++this.#written}.${extension}`);
    writeFileSync(path, source);
    return { path, href: pathToFileURL(path).href };
  }
}
