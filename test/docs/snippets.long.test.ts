import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Engine, Engines, isInstalled } from '../backplanes/engines.js';
import { Command } from '../cli/command.js';
import { Client, refusal } from '../e2e/client.js';
import { builtIn, serve } from '../e2e/serving.js';
import { DOCUMENTS, ROOT, snippetsOf } from './documents.js';
import { commandsOf, tryCommand } from './shell.js';
import { type FleetTrial, TRIALS } from './trials.js';
import { Workshop } from './workshop.js';

const workshop = new Workshop();
afterAll(() => workshop.remove());

const snippets = DOCUMENTS.flatMap((document) => snippetsOf(document));
const SHELL: readonly string[] = ['sh', 'console'];
/** Languages of blocks that are pictures, or outputs of programs. */
const PICTURE = 'text';

const files = snippets.filter(({ file }) => file !== '');

beforeAll(async () => {
  for (const snippet of files) workshop.add(snippet);
  workshop.addFolder('examples');
  workshop.addCertificates('docs/tls.md', {
    ...{ 'live.crt': 'default.crt', 'live.key': 'default.key', 'clients.crt': 'clients-ca.crt' },
    ...{ 'api.crt': 'a.crt', 'api.key': 'a.key' },
  });
  workshop.addCertificates('docs/scale.md', { 'ca.crt': 'servers-ca.crt' });
  expect(await workshop.compile()).toBe('');
}, 60_000);

const nameOf = ({ document, file }: { readonly document: string; readonly file: string }) => `${document}: ${file}`;

describe('each block of code in the documents', () => {
  it('is shell, a picture, or a file that a trial runs', () => {
    const unknown = snippets
      .filter(({ language, file }) => ![...SHELL, PICTURE].includes(language) && file === '')
      .map(({ document, line, language }) => `${document}:${line} (${language})`);
    expect(unknown).toEqual([]);
    expect(snippets.filter(({ language, file }) => language === PICTURE && file !== '')).toEqual([]);
  });

  it('that is a file has a trial, and each trial a file', () => {
    const shown = [...files, ...examples().map((file) => ({ document: 'examples', file }))];
    expect(Object.keys(TRIALS).sort()).toEqual(shown.map(nameOf).sort());
  });

  it('of README.md is the same in examples/, if it is there too', () => {
    for (const { document, file, text } of files) {
      if (document !== 'README.md' || !existsSync(`${ROOT}examples/${file}`)) continue;
      expect(text).toBe(readFileSync(`${ROOT}examples/${file}`, 'utf8'));
    }
  });
});

/** The programs and handlers of examples/. */
function examples(): string[] {
  return readdirSync(`${ROOT}examples`).filter((file) => /\.(mjs|cjs|ts)$/.test(file));
}

describe.concurrent('a file in the documents', () => {
  it.for(Object.entries(TRIALS).filter(([, { as }]) => as !== 'configuration'))(
    'does what it says: %s',
    async ([name, trial], { skip }) => {
      if (trial.as === 'configuration') return;
      if (trial.as === 'fleet' && !isInstalled(trial.kind.program)) {
        skip(`needs ${trial.kind.program}`);
        return;
      }
      if ('needs' in trial && !workshop.has(trial.needs)) {
        skip(`needs ${trial.needs}: npm ci --prefix test/peers`);
        return;
      }
      const [document = '', file = ''] = name.split(': ');
      const path = workshop.loadable(document, file);
      const against = (url: string) => ({ url, refusal, open: (target = '/') => Client.open(url + target) });
      if (trial.as === 'handler') {
        await using served = await serve({ handler: path, threads: 1 });
        await trial.test(against(served.url));
        expect(served.log.lines).toEqual([]);
        return;
      }
      if (trial.as === 'handler apart') {
        await using command = Command.run('serve', path, '--threads', '1', '--port', '0');
        await trial.test(against(await command.listening()));
        expect(command.stderr).toBe('');
        return;
      }
      const cwd = workshop.folderOf(document);
      if (trial.as === 'client') {
        await using served = await serve({ handler: builtIn('echo'), threads: 1 });
        workshop.redirect(document, file, served.url);
        await using command = new Command(process.execPath, [path], { cwd });
        await trial.test(command);
        return;
      }
      if (trial.as === 'fleet') {
        await runFleetTrial(trial, path, cwd);
        return;
      }
      await using command = new Command(process.execPath, [path], { cwd });
      await trial.test(command);
    },
  );
});

async function runFleetTrial({ kind, addresses, lines = [], env, test }: FleetTrial, path: string, cwd: string) {
  await using engines = new Engines();
  const running: Engine[] = [];
  for (const address of addresses) {
    const engine = engines.add(await kind.start({ lines }));
    workshop.replace(path, address, engine.address);
    running.push(engine);
  }
  await using command = new Command(process.execPath, [path], { cwd, env: { ...process.env, ...env } });
  await test(command, running);
}

/** Each command once, with its output in the document. */
function commands() {
  const found = new Map<string, { readonly document: string; readonly command: string[]; readonly printed: string }>();
  for (const { document, language, text } of snippets.filter((one) => SHELL.includes(one.language))) {
    const isCommand = (line: string) => language === 'sh' || line.startsWith('$ ');
    const lines = text.split('\n');
    const printed = lines.filter((line) => !isCommand(line)).join('\n');
    for (const command of commandsOf(lines.filter(isCommand).join('\n'))) {
      found.set(command.join(' '), { document, command, printed });
    }
  }
  return [...found].map(([line, rest]) => ({ line, ...rest }));
}

describe.concurrent('a command in the documents', () => {
  it.for(commands())('works: $document: $line', async ({ document, command, printed }) => {
    // Commands in examples/README.md run in the folder of the repository.
    const isOfExamples = document === 'examples/README.md';
    const folder = isOfExamples ? workshop.folder : workshop.folderOf(document);
    const loadable = (file: string) => workshop.loadable(isOfExamples ? '' : document, file);
    const output = await tryCommand(
      command.map((word) => (word.endsWith('.ts') ? loadable(word) : word)),
      folder,
    );
    if (printed.trim() !== '') expect(shapeOf(output)).toBe(shapeOf(printed));
  });
});

/** An output without its figures and the width of its columns. */
function shapeOf(text: string): string {
  return text
    .replace(/\d[\d.,]*/g, '0')
    .replace(/[ \t]+/g, ' ')
    .trim();
}
