import { realpathSync, symlinkSync, unlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { comesWithPackage, forgetCommonJs, reloadedModule, shownModule } from '../../dist/host/module-url.js';
import { builtIn } from '../e2e/serving.js';
import { ModuleFiles } from './module-files.js';

const files = new ModuleFiles();
const require = createRequire(import.meta.url);

describe('the URL of a module', () => {
  it('is another for each reload, and the same before the first one', () => {
    const href = 'file:///app/chat.mjs?room=1';
    const all = [0, 1, 2].map((reloads) => reloadedModule(href, reloads));
    expect(all[0]).toBe(href);
    expect(new Set(all).size).toBe(3);
    expect(reloadedModule(all[1] as string, 2)).toBe(all[2]);
  });

  it('is shown as a path, without what a reload has added', () => {
    const path = join(files.folder, 'a room.mjs');
    const { href } = pathToFileURL(path);
    expect(shownModule(href)).toBe(path);
    expect(shownModule(reloadedModule(href, 7))).toBe(path);
  });

  it('tells whether the module comes with the package', () => {
    expect(comesWithPackage(builtIn('echo').href)).toBe(true);
    for (const path of ['/app/chat.mjs', `${files.folder}/dist/handlers/echo.js`]) {
      expect(comesWithPackage(pathToFileURL(path).href)).toBe(false);
    }
  });

  it('is shown as it is if it is no file', () => {
    expect(shownModule('data:text/javascript,1')).toBe('data:text/javascript,1');
  });
});

describe('a CommonJS module', () => {
  it('is forgotten for a reload only', () => {
    const { path, href } = files.write('', 'cjs');
    require(path);
    const real = realpathSync(path);
    forgetCommonJs(href);
    expect(require.cache[real]).toBeDefined();
    forgetCommonJs(reloadedModule(href, 1));
    expect(require.cache[real]).toBeUndefined();
  });

  it('is forgotten by the path of its file, if its own is a link', () => {
    const { path } = files.write('', 'cjs');
    const link = join(files.folder, 'link.cjs');
    symlinkSync(path, link);
    require(link);
    const real = realpathSync(path);
    expect(require.cache[real]).toBeDefined();
    forgetCommonJs(reloadedModule(pathToFileURL(link).href, 1));
    expect(require.cache[real]).toBeUndefined();
  });

  it('is forgotten also if its file is not there', () => {
    const { path, href } = files.write('', 'cjs');
    const real = realpathSync(path);
    require(real);
    unlinkSync(path);
    forgetCommonJs(reloadedModule(pathToFileURL(real).href, 1));
    expect(require.cache[real]).toBeUndefined();
    forgetCommonJs(reloadedModule(href, 2)); // again: there is nothing to forget
  });

  it('that is no file has nothing to forget', () => {
    expect(() => forgetCommonJs(reloadedModule('data:text/javascript,1', 1))).not.toThrow();
  });
});
