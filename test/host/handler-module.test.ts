import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadHandlerModule as load } from '../../dist/host/handler-module.js';
import { HandlerModuleError } from '../../dist/host/handler-module-error.js';
import { reloadedModule } from '../../dist/host/module-url.js';
import { LoadingThread } from './loading-thread.js';
import { ModuleFiles } from './module-files.js';

const files = new ModuleFiles();

const loadHandlerModule = (href: string, limitMs = 20_000) => load(href, { limitMs });

describe('a handler module', () => {
  test('gives its handler and its upgrade hook', async () => {
    const { handler, upgrade } = await loadHandlerModule(
      files.write(`
        export default { open() {}, message(connection, message) { return message; }, drain: undefined, close() {} };
        export const upgrade = () => ({ subprotocol: 'chat' });
        export const somethingElse = 1;
      `).href,
    );
    expect(Object.keys(handler)).toEqual(['open', 'message', 'drain', 'close']);
    expect(upgrade?.({} as never)).toEqual({ subprotocol: 'chat' });
  });

  test('leaves no timer behind', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    await loadHandlerModule(files.write('export default {};').href, 3_600_000);
    expect(timers()).toBeLessThanOrEqual(before);
  });

  test('is refused if its top-level await does not settle in time', async () => {
    const { path, href } = files.write('await new Promise(() => {}); export default {};');
    await expect(loadHandlerModule(href, 50)).rejects.toThrow(
      new HandlerModuleError(
        `the handler module ${path} did not load within 0.05 s: a top-level await in it, or in what it imports, has not settled`,
      ),
    );
  });

  test('needs no upgrade hook, and no hook at all', async () => {
    expect(await loadHandlerModule(files.write('export default {};').href)).toEqual({
      handler: {},
      upgrade: undefined,
    });
  });

  test('may be a built-in one', async () => {
    const { handler } = await loadHandlerModule(new URL('../../dist/handlers/echo.js', import.meta.url).href);
    expect(handler.message).toBeTypeOf('function');
  });
});

const COMPILED = `'use strict'; Object.defineProperty(exports, '__esModule', { value: true });`;

describe('a CommonJS handler module', () => {
  test.each([
    ['module.exports', 'module.exports = { message() {}, open() {} }; module.exports.upgrade = () => ({ data: 1 });'],
    ['module.exports at once', 'module.exports = { message() {}, open() {}, upgrade: () => ({ data: 1 }) };'],
    ['exports', 'exports.message = () => {}; exports.open = () => {}; exports.upgrade = () => ({ data: 1 });'],
    [
      'tsc',
      `${COMPILED} exports.upgrade = void 0; exports.default = { message() {}, open() {} }; exports.upgrade = () => ({ data: 1 });`,
    ],
    [
      'esbuild',
      `const all = Object.defineProperty({}, '__esModule', { value: true });
       for (const [name, get] of [['default', () => handler], ['upgrade', () => upgrade]]) Object.defineProperty(all, name, { get, enumerable: true });
       module.exports = all;
       const handler = { message() {}, open() {} }, upgrade = () => ({ data: 1 });`,
    ],
  ])('gives its handler and its upgrade hook, written as of %s', async (_, source) => {
    await using thread = new LoadingThread();
    expect(await thread.load(files.write(source, 'cjs').href)).toMatchObject({
      hooks: ['open', 'message'],
      upgrade: { data: 1 },
    });
  });

  test('may be a .js file', async () => {
    await using thread = new LoadingThread();
    const { href } = files.write('module.exports = { message() {} };', 'js');
    expect(await thread.load(href)).toMatchObject({ hooks: ['message'] });
  });

  test('is loaded again in the same thread', async () => {
    const { path, href } = files.write('module.exports = { message: () => 1 };', 'cjs');
    await using thread = new LoadingThread();
    const answer = async (reloads: number) => (await thread.load(reloadedModule(href, reloads))).answer;
    expect(await answer(0)).toBe(1);
    writeFileSync(path, 'module.exports = { message: () => 2 };');
    expect(await answer(1)).toBe(2);
    writeFileSync(path, 'module.exports = { message: () => 3 };');
    expect(await answer(2)).toBe(3);
  });

  test.each([
    ['verifyClient', "connections are accepted or refused by the export 'upgrade'"],
    ['open', 'put it into the default export, defineHandler({ open(…) { … } })'],
  ])('is refused if it is compiled and exports %s beside its handler', async (name, what) => {
    const { path, href } = files.write(`${COMPILED} exports.default = {}; exports['${name}'] = () => false;`, 'cjs');
    await using thread = new LoadingThread();
    expect((await thread.load(href)).error).toBe(`the export '${name}' of ${path} is not called: ${what}`);
  });

  test('is refused if it is compiled and has two upgrade hooks', async () => {
    const source = `${COMPILED} exports.default = { upgrade() {} }; exports.upgrade = () => {};`;
    await using thread = new LoadingThread();
    expect((await thread.load(files.write(source, 'cjs').href)).error).toContain("has two hooks 'upgrade'");
  });

  test('is refused if a module with an upgrade hook hands it on whole', async () => {
    const compiled = files.write(`${COMPILED} exports.default = {};`, 'cjs');
    const { href } = files.write(
      `import all from '${compiled.href}'; export default all; export const upgrade = () => {};`,
    );
    await using thread = new LoadingThread();
    expect((await thread.load(href)).error).toContain("has a property 'default' that is no hook");
  });
});
