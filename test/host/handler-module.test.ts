import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HandlerModuleError, loadHandlerModule } from '../../dist/host/handler-module.js';

let folder: string;
let written = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wsloom-handler-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** A module with this source: its path and its URL. */
function write(source: string): { path: string; href: string } {
  const path = join(folder, `handler-${++written}.mjs`);
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

describe('a handler module that cannot be used is refused with an error that names it and says why:', () => {
  /** What loading it says. */
  async function refusal(href: string): Promise<HandlerModuleError> {
    const error: unknown = await loadHandlerModule(href).then(
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

  test('it has a syntax error', async () => {
    const { path, href } = write('export default { message( };');
    const error = await refusal(href);
    expect(error.message).toContain(`the handler module ${path} does not load: `);
    expect(error.cause).toBeInstanceOf(Error);
  });

  test('it throws when it is loaded', async () => {
    const { path, href } = write('throw new Error("no database");');
    const error = await refusal(href);
    expect(error.message).toContain(`the handler module ${path} does not load: `);
    expect(error.message).toContain('no database');
    expect((error.cause as Error).message).toBe('no database');
  });

  test('it throws something that is no error', async () => {
    const error = await refusal(write('throw "just a string";').href);
    expect(error.message).toContain('does not load: just a string');
  });

  test('it imports something that is not there', async () => {
    const error = await refusal(write('import "./not-there.js"; export default {};').href);
    expect(error.message).toContain('does not load: ');
    expect(error.message).toContain('not-there.js');
  });

  test('it has no default export', async () => {
    const { path, href } = write('export const handler = { message() {} };');
    const error = await refusal(href);
    expect(error.message).toBe(
      `the handler module ${path} must have a default export: defineHandler({ message(connection, message) { … } })`,
    );
  });

  test.each(['null', '42', '"text"', '() => {}'])('its default export is %s', async (value) => {
    expect((await refusal(write(`export default ${value};`).href)).message).toContain('must have a default export');
  });

  test('it has a hook that there is not', async () => {
    const { path, href } = write('export default { onmessage() {} };');
    expect((await refusal(href)).message).toBe(
      `the handler of ${path} has a hook 'onmessage'; there are open, message, drain, close (did you mean message?)`,
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
      `has a hook '${name}'; there are open, message, drain, close (did you mean ${meant}?)`,
    );
  });

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
