import { describe, expect, test } from 'vitest';
import { reloadedModule } from '../../dist/host/module-url.js';
import { LoadingThread } from './loading-thread.js';
import { ModuleFiles } from './module-files.js';

const files = new ModuleFiles();

describe('an import', () => {
  test('fails as often as it is tried with a CommonJS module that throws, and the thread lives on', async () => {
    const broken = files.write('throw new Error("no database");', 'cjs');
    const { path, href } = files.write(`import ${JSON.stringify(broken.href)}; export default {};`);
    await using thread = new LoadingThread();
    // Node 22 and 24 go wrong only when the module has failed before.
    for (let reloads = 0; reloads < 3; reloads++) {
      const { error } = await thread.load(reloadedModule(href, reloads));
      expect(error).toContain(`the handler module ${path} does not load: `);
      expect(error).toContain('no database');
    }
    expect(await thread.load(files.write('export default { open() {} };').href)).toMatchObject({ hooks: ['open'] });
  });

  test('that fails after the time for loading does not end the thread', async () => {
    const broken = files.write('throw new Error("no database");', 'cjs');
    const between = files.write(`import ${JSON.stringify(broken.href)};`);
    const late = files.write(`
      await new Promise((resolve) => setTimeout(resolve, 50));
      await import(${JSON.stringify(between.href)});
    `);
    await using thread = new LoadingThread();
    expect((await thread.load(late.href, 1)).error).toContain('did not load within 0.001 s');
    const meanwhile = files.write(
      'await new Promise((resolve) => setTimeout(resolve, 200)); export default { open() {} };',
    );
    expect(await thread.load(meanwhile.href)).toMatchObject({ hooks: ['open'] });
  });

  test('fails, and another rejection in the module still ends the thread', async () => {
    const broken = files.write('Promise.reject(new Error("of its own")); throw new Error("no database");', 'cjs');
    const { href } = files.write(`import ${JSON.stringify(broken.href)}; export default {};`);
    await using thread = new LoadingThread();
    await thread.load(href);
    await expect(thread.died).rejects.toThrow('of its own');
  });

  test('after one that has failed does not keep the thread alive when another rejection ends it', async () => {
    await using thread = new LoadingThread();
    await thread.load(files.write('throw new Error("no database");').href);
    void thread.load(files.write('await new Promise(() => {});').href).catch(() => {}); // at the same time
    const { href } = files.write('Promise.reject(new Error("of its own")); await new Promise(() => {});');
    await expect(thread.load(href)).rejects.toThrow('of its own');
  });
});
