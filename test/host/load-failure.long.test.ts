import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { loadHandlerModule } from '../../dist/host/handler-module.js';
import { HandlerModuleError } from '../../dist/host/handler-module-error.js';
import { reloadedModule } from '../../dist/host/module-url.js';
import { LoadingThread } from './loading-thread.js';
import { ModuleFiles } from './module-files.js';

const files = new ModuleFiles();

/** What loading a module in this thread says. */
async function refusal(href: string): Promise<HandlerModuleError> {
  const error: unknown = await loadHandlerModule(href, { limitMs: 20_000 }).then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(HandlerModuleError);
  expect((error as HandlerModuleError).code).toBe('WSLOOM_HANDLER');
  return error as HandlerModuleError;
}

describe('a handler module that does not load is refused with an error that names it and says why:', () => {
  test('it is not there', async () => {
    const path = join(files.folder, 'missing.js');
    const error = await refusal(pathToFileURL(path).href);
    expect(error.message).toBe(`there is no handler module ${path}`);
  });

  test('it is a folder', async () => {
    await using thread = new LoadingThread();
    const folder = pathToFileURL(`${files.folder}/`);
    expect((await thread.load(folder.href)).error).toMatch(/^the handler module .* is a folder: name a file in it$/);
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
    const { path, href } = files.write(source, extension);
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
    const broken = files.write(source, extension);
    const between = files.write(`import ${JSON.stringify(broken.href)};`);
    const { path, href } = files.write(`import 'node:fs'; import ${JSON.stringify(between.path)}; export default {};`);
    await using thread = new LoadingThread();
    expect((await thread.load(href)).error).toBe(
      `the handler module ${path} does not load: ${broken.path}:${place}: SyntaxError: Unexpected token '='`,
    );
  });

  test('it throws a SyntaxError of its own, which shows its stack', async () => {
    const { path, href } = files.write('JSON.parse("{");');
    expect((await refusal(href)).message).toContain(`${path}:1:6`);
  });

  test('it throws a SyntaxError of its own, which looks like one of the engine', async () => {
    const { path, href } = files.write('throw new SyntaxError("of a/file.txt:7");');
    expect((await refusal(href)).message).toContain(`${path}:1:7`);
  });

  test.runIf(process.versions.node.startsWith('20.'))('it is TypeScript, and this Node does not run it', async () => {
    const { path, href } = files.write('export default { message(text: string) {} };', 'ts');
    await using thread = new LoadingThread();
    const { error } = await thread.load(href);
    expect(error).toContain(`the handler module ${path} does not load: Unknown file extension ".ts"`);
    expect(error).toContain('Node 22.18 and later do');
    expect(error).toContain('--import tsx');
  });

  test('it throws when it is loaded', async () => {
    const { path, href } = files.write('throw new Error("no database");');
    const error = await refusal(href);
    expect(error.message).toContain(`the handler module ${path} does not load: `);
    expect(error.message).toContain('no database');
    expect((error.cause as Error).message).toBe('no database');
  });

  test('it throws something that is no error', async () => {
    const error = await refusal(files.write('throw "just a string";').href);
    expect(error.message).toContain('does not load: just a string');
    expect((await refusal(files.write('throw { code: 7 };').href)).message).toContain('does not load: { code: 7 }');
  });

  test('it imports something that is not there', async () => {
    const error = await refusal(files.write('import "./not-there.js"; export default {};').href);
    expect(error.message).toContain('does not load: ');
    expect(error.message).toContain('not-there.js');
  });
});
