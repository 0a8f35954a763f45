import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadHandlerModule as load } from '../../dist/host/handler-module.js';
import { HandlerModuleError } from '../../dist/host/handler-module-error.js';
import { reloadedModule } from '../../dist/host/module-url.js';

let folder: string;
let written = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wsloom-handler-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

const loadHandlerModule = (href: string, limitMs = 20_000) => load(href, { limitMs });

/** What a thread without the test runner's loader has found in a module. */
interface Loaded {
  readonly hooks?: readonly string[];
  readonly upgrade?: unknown;
  readonly answer?: unknown;
  readonly error?: string;
}

/** Such a thread, ended at the end of the block that it was started in. */
class LoadingThread implements AsyncDisposable {
  readonly #worker = new Worker(new URL('./loading-thread.js', import.meta.url), { execArgv: [] });

  /** Rejects when the thread ends by an uncaught error. */
  readonly died: Promise<never>;

  constructor() {
    this.died = new Promise((_, reject) => this.#worker.once('error', reject));
    this.died.catch(() => {}); // `load` reports it
  }

  load(href: string, limitMs = 20_000): Promise<Loaded> {
    const loaded = new Promise<Loaded>((resolve) => void this.#worker.once('message', resolve));
    this.#worker.postMessage({ href, limitMs });
    return Promise.race([loaded, this.died]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}

/** A module with this source: its path and its URL. */
function write(source: string, extension = 'mjs'): { path: string; href: string } {
  const path = join(folder, `handler-${++written}.${extension}`);
  writeFileSync(path, source);
  return { path, href: pathToFileURL(path).href };
}

describe('a handler module', () => {
  test('gives its handler and its upgrade hook', async () => {
    const { handler, upgrade } = await loadHandlerModule(
      write(`
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
    await loadHandlerModule(write('export default {};').href, 3_600_000);
    expect(timers()).toBeLessThanOrEqual(before);
  });

  test('needs no upgrade hook, and no hook at all', async () => {
    expect(await loadHandlerModule(write('export default {};').href)).toEqual({ handler: {}, upgrade: undefined });
  });

  test('may be a built-in one', async () => {
    const { handler } = await loadHandlerModule(new URL('../../dist/handlers/echo.js', import.meta.url).href);
    expect(handler.message).toBeTypeOf('function');
  });

  test.each([
    ['inside of the default export', 'export default { upgrade() { return { status: 418 }; } };'],
    [
      'of a class, with what belongs to it',
      'class Door { #status = 418; upgrade() { return { status: this.#status }; } } export default new Door();',
    ],
    ['in both places, if it is one', 'export const upgrade = () => ({ status: 418 }); export default { upgrade };'],
  ])('may have its upgrade hook %s', async (_where, source) => {
    const { upgrade } = await loadHandlerModule(write(source).href);
    expect(upgrade?.({} as never)).toEqual({ status: 418 });
  });

  test('may export what it likes beside its upgrade hook, and its own hooks once more', async () => {
    const source =
      'export const open = () => {}; export const close = 1; export const upgrades = []; export function helper() {}';
    const { upgrade } = await loadHandlerModule(write(`${source} export default { open };`).href);
    expect(upgrade).toBeUndefined();
    const similar = 'export const upgrade = () => ({}); export const upgraded = () => {}; export default {};';
    expect((await loadHandlerModule(write(similar).href)).upgrade).toBeTypeOf('function');
  });

  test('may be an object of a class', async () => {
    const { href } = write('class Chat { message() { return "of the class"; } } export default new Chat();');
    const { handler } = await loadHandlerModule(href);
    expect(handler.message?.({} as never, {} as never)).toBe('of the class');
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
    expect(await thread.load(write(source, 'cjs').href)).toMatchObject({
      hooks: ['open', 'message'],
      upgrade: { data: 1 },
    });
  });

  test('may be a .js file', async () => {
    await using thread = new LoadingThread();
    const { href } = write('module.exports = { message() {} };', 'js');
    expect(await thread.load(href)).toMatchObject({ hooks: ['message'] });
  });

  test('is loaded again in the same thread', async () => {
    const { path, href } = write('module.exports = { message: () => 1 };', 'cjs');
    await using thread = new LoadingThread();
    const answer = async (reloads: number) => (await thread.load(reloadedModule(href, reloads))).answer;
    expect(await answer(0)).toBe(1);
    writeFileSync(path, 'module.exports = { message: () => 2 };');
    expect(await answer(1)).toBe(2);
    writeFileSync(path, 'module.exports = { message: () => 3 };');
    expect(await answer(2)).toBe(3);
  });
});

test('an upgrade hook inside of the handler is the upgrade hook', async () => {
  const { upgrade } = await loadHandlerModule(write('export default { upgrade: () => ({ data: 1 }) };').href);
  expect(await upgrade?.({} as never)).toEqual({ data: 1 });
});

describe('a handler module that cannot be used is refused with an error that names it and says why:', () => {
  /** What loading it says. */
  async function refusal(href: string, limitMs?: number): Promise<HandlerModuleError> {
    const error: unknown = await loadHandlerModule(href, limitMs).then(
      () => undefined,
      (reason) => reason,
    );
    expect(error).toBeInstanceOf(HandlerModuleError);
    expect((error as HandlerModuleError).code).toBe('WSLOOM_HANDLER');
    return error as HandlerModuleError;
  }

  test('it is not there', async () => {
    const path = join(folder, 'missing.js');
    const error = await refusal(pathToFileURL(path).href);
    expect(error.message).toBe(`there is no handler module ${path}`);
  });

  test.each([
    ['mjs', 'const one = 1;\n\nexport default { message( };', 'Unexpected token', '3:27'],
    ['cjs', 'const one = 1;\nmodule.exports = { message( };', 'Unexpected token', '2:29'],
    ['mjs', 'const one = 1;\nimport { nothing } from "node:fs";', 'nothing', '2:10'],
    // At the end the engine points at nothing.
    ['mjs', 'export default {\n  message() {\n', 'end of input', '3:1'],
    ['mjs', 'export default {\n  message() {', 'end of input', '2:14'],
    ['cjs', 'module.exports = {\n  message() {\n', 'end of input', '3:1'],
  ])('it has a syntax error (.%s, %j)', async (extension, source, what, place) => {
    const { path, href } = write(source, extension);
    await using thread = new LoadingThread();
    const { error } = await thread.load(href);
    expect(error).toMatch(/^[^\n]+$/);
    expect(error).toContain(`the handler module ${path} does not load: ${path}:${place}: SyntaxError: `);
    expect(error).toContain(what);
    expect((await thread.load(reloadedModule(href, 1))).error).toBe(error);
  });

  test.each([
    ['mjs', 'const one = 1;\nexport const = 2;', '2:14'],
    ['cjs', 'const one = 1;\nconst = 2;', '2:7'],
  ])('a module that it imports has a syntax error (.%s)', async (extension, source, place) => {
    const broken = write(source, extension);
    const between = write(`import ${JSON.stringify(broken.href)};`);
    const { path, href } = write(`import 'node:fs'; import ${JSON.stringify(between.path)}; export default {};`);
    await using thread = new LoadingThread();
    expect((await thread.load(href)).error).toBe(
      `the handler module ${path} does not load: ${broken.path}:${place}: SyntaxError: Unexpected token '='`,
    );
  });

  test('it throws a SyntaxError of its own, which shows its stack', async () => {
    const { path, href } = write('JSON.parse("{");');
    expect((await refusal(href)).message).toContain(`${path}:1:6`);
  });

  test('it throws a SyntaxError of its own, which looks like one of the engine', async () => {
    const { path, href } = write('throw new SyntaxError("of a/file.txt:7");');
    expect((await refusal(href)).message).toContain(`${path}:1:7`);
  });

  test('its top-level await does not settle in time', async () => {
    const { path, href } = write('await new Promise(() => {}); export default {};');
    expect((await refusal(href, 50)).message).toBe(
      `the handler module ${path} did not load within 0.05 s: a top-level await in it, or in what it imports, has not settled`,
    );
  });

  test.runIf(process.versions.node.startsWith('20.'))('it is TypeScript, and this Node does not run it', async () => {
    const { path, href } = write('export default { message(text: string) {} };', 'ts');
    await using thread = new LoadingThread();
    const { error } = await thread.load(href);
    expect(error).toContain(`the handler module ${path} does not load: Unknown file extension ".ts"`);
    expect(error).toContain('Node 22.18 and later do');
    expect(error).toContain('--import tsx');
  });

  test('it throws when it is loaded', async () => {
    const { path, href } = write('throw new Error("no database");');
    const error = await refusal(href);
    expect(error.message).toContain(`the handler module ${path} does not load: `);
    expect(error.message).toContain('no database');
    expect((error.cause as Error).message).toBe('no database');
  });

  test('a CommonJS module that it imports throws, and the thread lives on', async () => {
    const broken = write('throw new Error("no database");', 'cjs');
    const { path, href } = write(`import ${JSON.stringify(broken.href)}; export default {};`);
    await using thread = new LoadingThread();
    // Node 22 and 24 go wrong only when the module has failed before.
    for (let reloads = 0; reloads < 3; reloads++) {
      const { error } = await thread.load(reloadedModule(href, reloads));
      expect(error).toContain(`the handler module ${path} does not load: `);
      expect(error).toContain('no database');
    }
    expect(await thread.load(write('export default { open() {} };').href)).toMatchObject({ hooks: ['open'] });
  });

  test('a CommonJS module that it imports throws after the time for loading, and the thread lives on', async () => {
    const broken = write('throw new Error("no database");', 'cjs');
    const between = write(`import ${JSON.stringify(broken.href)};`);
    const late = write(`
      await new Promise((resolve) => setTimeout(resolve, 50));
      await import(${JSON.stringify(between.href)});
    `);
    await using thread = new LoadingThread();
    expect((await thread.load(late.href, 1)).error).toContain('did not load within 0.001 s');
    const meanwhile = write('await new Promise((resolve) => setTimeout(resolve, 200)); export default { open() {} };');
    expect(await thread.load(meanwhile.href)).toMatchObject({ hooks: ['open'] });
  });

  test('a CommonJS module that it imports throws, and a rejection of its own still ends the thread', async () => {
    const broken = write('Promise.reject(new Error("of its own")); throw new Error("no database");', 'cjs');
    const { href } = write(`import ${JSON.stringify(broken.href)}; export default {};`);
    await using thread = new LoadingThread();
    await thread.load(href);
    await expect(thread.died).rejects.toThrow('of its own');
  });

  test('a module that has failed before does not keep the thread alive when another rejection ends it', async () => {
    await using thread = new LoadingThread();
    await thread.load(write('throw new Error("no database");').href);
    const { href } = write('Promise.reject(new Error("of its own")); await new Promise(() => {});');
    await expect(thread.load(href)).rejects.toThrow('of its own');
  });

  test('it throws something that is no error', async () => {
    const error = await refusal(write('throw "just a string";').href);
    expect(error.message).toContain('does not load: just a string');
    expect((await refusal(write('throw { code: 7 };').href)).message).toContain('does not load: { code: 7 }');
  });

  test('it imports something that is not there', async () => {
    const error = await refusal(write('import "./not-there.js"; export default {};').href);
    expect(error.message).toContain('does not load: ');
    expect(error.message).toContain('not-there.js');
  });

  test.each([
    ['verifyClient', "connections are accepted or refused by the export 'upgrade'"],
    ['open', 'put it into the default export, defineHandler({ open(…) { … } })'],
  ])('it is compiled to CommonJS, and exports %s beside its handler', async (name, what) => {
    const { path, href } = write(`${COMPILED} exports.default = {}; exports['${name}'] = () => false;`, 'cjs');
    await using thread = new LoadingThread();
    expect((await thread.load(href)).error).toBe(`the export '${name}' of ${path} is not called: ${what}`);
  });

  test('it is compiled to CommonJS, and has two upgrade hooks', async () => {
    const source = `${COMPILED} exports.default = { upgrade() {} }; exports.upgrade = () => {};`;
    await using thread = new LoadingThread();
    expect((await thread.load(write(source, 'cjs').href)).error).toContain("has two hooks 'upgrade'");
  });

  test('it has an upgrade hook, and hands on a compiled module whole', async () => {
    const compiled = write(`${COMPILED} exports.default = {};`, 'cjs');
    const { href } = write(`import all from '${compiled.href}'; export default all; export const upgrade = () => {};`);
    await using thread = new LoadingThread();
    expect((await thread.load(href)).error).toContain("has a property 'default' that is no hook");
  });

  test('it has no default export', async () => {
    const { path, href } = write('export const handler = { message() {} };');
    const error = await refusal(href);
    expect(error.message).toBe(
      `the handler module ${path} must have a default export: defineHandler({ message(connection, message) { … } })`,
    );
  });

  test('its default export is a promise of a handler', async () => {
    const { path, href } = write('export default Promise.resolve({ message() {} });');
    expect((await refusal(href)).message).toBe(
      `the default export of ${path} is a promise, and must be a handler: await it in the module, export default await …`,
    );
  });

  test('it is a folder', async () => {
    await using thread = new LoadingThread();
    const folder = new URL('.', write('export default {};').href);
    expect((await thread.load(folder.href)).error).toMatch(/^the handler module .* is a folder: name a file in it$/);
  });

  test.each(['null', '42', '"text"', '() => {}', '[]'])('its default export is %s', async (value) => {
    expect((await refusal(write(`export default ${value};`).href)).message).toContain('must have a default export');
  });

  test('its default export has a property that is no hook', async () => {
    const { path, href } = write('export default { onmessage() {} };');
    expect((await refusal(href)).message).toBe(
      `the default export of ${path} has a property 'onmessage' that is no hook; hooks are open, message, drain, close and upgrade (did you mean message?)`,
    );
  });

  test.each([
    ['"text"', 'string'],
    ['{}', 'object'],
    ['null', 'null'],
    ['1', 'number'],
  ])('a hook is %s', async (value, found) => {
    const { path, href } = write(`export default { message: ${value} };`);
    expect((await refusal(href)).message).toBe(`the hook 'message' of ${path} must be a function, got ${found}`);
  });

  test.each([
    ['verifyClient', 'upgrade'],
    ['mesage', 'message'],
    ['Open', 'open'],
  ])('it has a hook %s, which may mean %s', async (name, meant) => {
    const { href } = write(`export default { ${name}() {} };`);
    expect((await refusal(href)).message).toContain(
      `has a property '${name}' that is no hook; hooks are open, message, drain, close and upgrade (did you mean ${meant}?)`,
    );
  });

  test.each(['verifyClient', 'allowRequest', 'VerifyClient'])(
    'it is an object of a class with a method %s, which nobody would ask',
    async (name) => {
      const { href } = write(
        `class Base { ${name}() { return false; } } class Chat extends Base { message() {} helper() {} } export default new Chat();`,
      );
      expect((await refusal(href)).message).toContain(`has a property '${name}' that is no hook`);
    },
  );

  test.each(['verifyClient', 'handleProtocols', 'allowRequest', 'onUpgrade', 'upgarde', 'Upgrade'])(
    'it exports %s, which nobody would ask',
    async (name) => {
      const { path, href } = write(`export default {}; export const ${name} = () => false;`);
      expect((await refusal(href)).message).toBe(
        `the export '${name}' of ${path} is not called: connections are accepted or refused by the export 'upgrade'`,
      );
    },
  );

  test('it exports verifyClient beside upgrade', async () => {
    const { href } = write(
      'export default {}; export const upgrade = () => {}; export const verifyClient = () => false;',
    );
    expect((await refusal(href)).message).toContain("the export 'verifyClient'");
  });

  test.each(['open', 'message', 'drain', 'close'])('it exports %s beside its handler', async (name) => {
    const { path, href } = write(`export default {}; export function ${name}() {}`);
    expect((await refusal(href)).message).toBe(
      `the export '${name}' of ${path} is not called: put it into the default export, defineHandler({ ${name}(…) { … } })`,
    );
  });

  test('it has two upgrade hooks', async () => {
    const { path, href } = write('export default { upgrade() {} }; export const upgrade = () => {};');
    expect((await refusal(href)).message).toBe(
      `${path} has two hooks 'upgrade', an export and one inside of the default export: only one can decide`,
    );
  });

  test.each([
    ['null', 'null'],
    ['{}', 'object'],
    ['false', 'boolean'],
  ])('its upgrade hook inside of the default export is %s', async (value, found) => {
    const { path, href } = write(`export default { upgrade: ${value} };`);
    expect((await refusal(href)).message).toBe(`the hook 'upgrade' of ${path} must be a function, got ${found}`);
  });

  test('its upgrade hook is null', async () => {
    const { path, href } = write('export default {}; export const upgrade = null;');
    expect((await refusal(href)).message).toBe(`the export 'upgrade' of ${path} must be a function, got null`);
  });

  test('its upgrade hook is no function', async () => {
    const { path, href } = write('export default {}; export const upgrade = { subprotocol: "chat" };');
    expect((await refusal(href)).message).toBe(`the export 'upgrade' of ${path} must be a function, got object`);
  });
});
