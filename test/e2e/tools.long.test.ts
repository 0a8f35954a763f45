import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { Command } from '../cli/command.js';
import { Client } from './client.js';
import { PackageCopy, PUBLISHING } from './package-copy.js';
import { serve } from './serving.js';

const TOOLS = fileURLToPath(new URL('../peers/node_modules/', import.meta.url));
const isInstalled = existsSync(TOOLS);
if (!isInstalled && Reflect.get(process.env, 'WSLOOM_TEST_PEERS') === 'required')
  throw new Error('test/peers is not installed');

const TSX = join(TOOLS, 'tsx', 'dist', 'loader.mjs');

it.skipIf(isInstalled)('needs esbuild and tsx: npm ci --prefix test/peers', ({ skip }) => skip());

/** Tests that need tools which may not be installed. */
const withTools = (tests: () => void) => isInstalled && describe('the tools of test/peers:', tests);

withTools(() => {
  const project = new PackageCopy();
  afterAll(() => project[Symbol.dispose]());
  project.write('package.json', '{ "type": "module" }');
  symlinkSync(join(TOOLS, 'tsx'), join(project.folder, 'node_modules', 'tsx'));
  project.write(
    'chat.ts',
    `import { defineHandler, publish } from 'wsloom'; let typed: number; export default ${PUBLISHING};`,
  );
  const server = `import { createServer } from 'wsloom';
    const server = createServer({ handler: new URL('./chat.js', import.meta.url), threads: Number(process.argv[2]) });
    server.listen({ port: 0 }).then(
      async ({ url }: { url: string }) => {
        if (process.argv[3] === 'reload') await server.reload();
        console.log('listening on ' + url + ' with 1 thread, js kernel');
      },
      (error: Error) => { console.error(error.name + ': ' + error.message); process.exitCode = 1; },
    );`;
  const program = project.write('server.ts', server);

  const bundle = (from: string, to: string, ...options: string[]): string => {
    const path = join(project.folder, to);
    const esbuild = join(TOOLS, '.bin', 'esbuild');
    const args = ['--bundle', '--platform=node', '--log-level=error', `--outfile=${path}`, ...options];
    execFileSync(esbuild, [join(project.folder, from), ...args]);
    return path;
  };

  const publishes = async (url: string) => {
    using client = await Client.open(url);
    client.send('hello');
    expect([await client.text(), await client.text()]).toEqual(['hello', 'again hello']);
  };

  describe.each([0, 1])('threads: %i', (threads) => {
    it.each(['esm', 'cjs'])('a handler bundled by esbuild, with the package inside, publishes (%s)', async (format) => {
      const handler = bundle('chat.ts', `chat-${threads}.${format === 'esm' ? 'mjs' : 'cjs'}`, `--format=${format}`);
      await using served = await serve({ handler, threads });
      await publishes(served.url);
    });

    it.each(['once', 'reload'])('under tsx, ./chat.js is ./chat.ts, also in threads (%s)', async (how) => {
      await using command = new Command(process.execPath, ['--import', TSX, program, String(threads), how]);
      await publishes(await command.listening());
    });

    it('under tsx, ./chat.js is ./chat.ts also when tsx is found by its name', async () => {
      const options = { cwd: project.folder };
      await using command = new Command(process.execPath, ['--import', 'tsx', program, String(threads)], options);
      await publishes(await command.listening());
    });

    it.each(['esm', 'cjs'])(
      'a server inside of a bundle says that the package must be external (%s)',
      async (format) => {
        mkdirSync(join(project.folder, 'worker'), { recursive: true });
        writeFileSync(
          join(project.folder, 'worker', 'worker.js'),
          'console.log("foreign"); setInterval(() => {}, 1000);',
        );
        writeFileSync(join(project.folder, 'kernels.wasm'), 'foreign');
        const options = format === 'esm' ? ['--format=esm'] : ['--format=cjs', '--define:import.meta.url="file:///x"'];
        const path = bundle('server.ts', `out/server-${threads}.${format === 'esm' ? 'mjs' : 'cjs'}`, ...options);
        await using command = new Command(process.execPath, [path, String(threads)]);
        expect(await command.ended).toBe(1);
        expect(command.stdout).toBe('');
        expect(command.stderr).toMatch(/^BundledError: .*--external:wsloom/);
      },
    );

    it('a server bundled with the package external works', async () => {
      bundle('chat.ts', 'apart/chat.js', '--format=esm', '--external:wsloom');
      const path = bundle('server.ts', 'apart/server.js', '--format=esm', '--external:wsloom');
      await using command = new Command(process.execPath, [path, String(threads)]);
      await publishes(await command.listening());
    });
  });
});
