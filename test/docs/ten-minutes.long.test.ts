import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Command } from '../cli/command.js';
import { Client } from '../e2e/client.js';
import { arePeersRequired, pathOf } from '../e2e/installed.js';
import { until } from '../e2e/serving.js';
import { freePort } from '../ports.js';
import { ROOT, snippetsOf, textOf } from './documents.js';
import { Page } from './page.js';
import { RunningNginx } from './running-nginx.js';
import { commandsOf } from './shell.js';

const DOCUMENT = 'docs/ten-minutes.md';
const snippets = snippetsOf(DOCUMENT);
const commands = snippets.filter(({ language }) => language === 'sh').flatMap((one) => commandsOf(one.text));

/** The command of the document that begins with these words. */
function commandWith(...words: readonly string[]): readonly string[] {
  const found = commands.find((command) => words.every((word, i) => command[i] === word));
  if (found === undefined) throw new Error(`the document has no ${words.join(' ')}`);
  return found;
}

function isInstalled(): boolean {
  const missing = ['nginx', 'openssl'].filter((name) => pathOf(name) === undefined);
  if (missing.length > 0 && arePeersRequired) throw new Error(`${missing.join(' and ')} is not installed`);
  return missing.length === 0;
}

let folder: string;
let port: number;
let nginxPort: number;

/** The ports of the document may be taken: a text of it with others. */
const moved = (whole: string) => whole.replaceAll('8080', String(port)).replaceAll('8443', String(nginxPort));

/** Asks nginx for a page, as a browser that trusts the certificate. */
function page(path: string): Promise<string> {
  const ca = readFileSync(join(folder, 'live.crt'));
  return new Promise((resolve, reject) => {
    request(`https://localhost:${nginxPort}${path}`, { ca }, (response) => resolve(text(response)))
      .on('error', reject)
      .end();
  });
}

describe.skipIf(!isInstalled())(`${DOCUMENT}, step by step`, () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'wsloom-ten-minutes-'));
    [port, nginxPort] = [await freePort(), await freePort()];
    for (const { file, text: whole } of snippets) {
      if (file === '') continue;
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), moved(whole));
    }
    // In place of npm install.
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(ROOT, join(folder, 'node_modules/wsloom'));
    writeFileSync(join(folder, 'package.json'), '{}');
    const [program = '', ...args] = commandWith('openssl');
    expect(spawnSync(program, args, { cwd: folder }).status).toBe(0);
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  it('gives a chat with TLS behind nginx', async () => {
    const [, , ...serve] = commandWith('npx', 'wsloom', 'serve');
    const cli = join(folder, 'node_modules/wsloom/dist/cli.js');
    await using server = new Command(process.execPath, [cli, ...serve, '--port', String(port)], { cwd: folder });
    await server.listening();
    expect(commandWith('nginx')).toEqual(['nginx', '-p', '.', '-c', 'nginx.conf', '-e', 'stderr']);
    await using _nginx = await RunningNginx.start(folder, 'nginx.conf', nginxPort);

    expect(await page('/?name=Ada')).toContain('new WebSocket(`wss://');
    // nginx shows the folder public, and not the key.
    expect(await page('/live.key')).toContain('404');

    const url = `wss://localhost:${nginxPort}/live?name=Ada`;
    const ca = readFileSync(join(folder, 'live.crt'));
    const origin = `https://localhost:${nginxPort}`;
    using ada = await Client.open(url, { ca, origin });
    expect(await ada.text()).toBe('welcome, Ada');

    const [, ...say] = commandWith('node', 'say.mjs');
    await using grace = new Command(process.execPath, say, { cwd: folder });
    expect(await grace.ended, grace.stderr).toBe(0);
    const printed = 'welcome, Grace\nGrace: good morning\n';
    expect(grace.stdout).toBe(printed);
    for (const line of printed.trim().split('\n')) expect(textOf(DOCUMENT)).toContain(`\`${line}\``);
    expect(await ada.text()).toBe('Grace: good morning');

    // The page itself, in two tabs.
    const open = async (path: string) => new Page(await page(path), `https://localhost:${nginxPort}${path}`, { ca });
    using tab = await open('/?name=Alan');
    using other = await open('/?name=Edsger');
    await until(() => [tab, other].every(({ shown }) => shown.some((line) => line.startsWith('welcome, '))));
    tab.submit('is anybody there?');
    await until(() => [tab, other].every(({ shown }) => shown.includes('Alan: is anybody there?')));
    expect(await ada.text()).toBe('Alan: is anybody there?');

    // The page of another site, and a message that is too long.
    await expect(Client.open(url, { ca, origin: 'https://elsewhere.example' })).rejects.toThrow('403');
    ada.send('x'.repeat(17 * 1024));
    expect(await ada.closed).toMatchObject({ code: 1009 });
  });
});
