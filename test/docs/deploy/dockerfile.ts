import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { deployFile } from './deploy-files.js';

interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** A stage of a Dockerfile: what stands between FROM and the next one. */
interface Stage {
  readonly name: string;
  readonly image: string;
  readonly instructions: readonly Instruction[];
}

/** The Dockerfile of docs/deploy, and what can be done with it where there is no Docker. */
export class Dockerfile {
  readonly stages: readonly Stage[];

  constructor(text = deployFile('Dockerfile')) {
    const stages: { name: string; image: string; instructions: Instruction[] }[] = [];
    for (const line of text.replaceAll('\\\n', ' ').split('\n')) {
      const [, name = '', rest = ''] = /^([A-Z]+) +(.*)$/.exec(line) ?? [];
      if (name === 'FROM') {
        const [image = '', , alias = ''] = rest.split(' ');
        stages.push({ name: alias, image, instructions: [] });
      } else if (name !== '') stages.at(-1)?.instructions.push({ name, text: rest });
      else if (!/^(#.*)?$/.test(line)) throw new Error(`no instruction: ${line}`);
    }
    this.stages = stages;
  }

  /** What the last stage says by an instruction, which must be there once. */
  #last(name: string): string {
    const found = this.stages.at(-1)?.instructions.filter((one) => one.name === name) ?? [];
    if (found.length !== 1) throw new Error(`${name} is there ${found.length} times`);
    return found[0]?.text ?? '';
  }

  get entrypoint(): readonly string[] {
    return JSON.parse(this.#last('ENTRYPOINT'));
  }

  get command(): readonly string[] {
    return JSON.parse(this.#last('CMD'));
  }

  get healthcheck(): readonly string[] {
    return JSON.parse(this.#last('HEALTHCHECK').replace(/^(--\S+ )*CMD /, ''));
  }

  get user(): string {
    return this.#last('USER');
  }

  get exposed(): readonly number[] {
    return this.#last('EXPOSE').split(' ').map(Number);
  }

  get variables(): Readonly<Record<string, string>> {
    return Object.fromEntries([this.#last('ENV').split('=')]);
  }

  /**
   * Does what `docker build` would, each stage in a folder.
   * @param context the folder of the application.
   * @returns the working directory of the image.
   */
  build(context: string, folder: string): string {
    const ignored = ignoredNames();
    const folders = new Map<string, string>();
    let workDirectory = '';
    for (const [i, { name, instructions }] of this.stages.entries()) {
      const root = join(folder, `stage-${i}`);
      folders.set(name, root);
      for (const { name: instruction, text } of instructions) {
        if (instruction === 'WORKDIR') {
          workDirectory = join(root, text);
          mkdirSync(workDirectory, { recursive: true });
        } else if (instruction === 'COPY') copy(text, { context, ignored, folders, workDirectory });
        else if (instruction === 'RUN') run(text, workDirectory);
        else if (!NOT_BUILT.includes(instruction)) throw new Error(`nobody knows ${instruction}`);
      }
    }
    return workDirectory;
  }
}

/** What says how an image is run, and changes nothing in it. */
const NOT_BUILT = ['ENV', 'USER', 'EXPOSE', 'HEALTHCHECK', 'ENTRYPOINT', 'CMD'];

/** Whether a name of the context is left out by the file beside the Dockerfile. */
function ignoredNames(): (name: string) => boolean {
  const patterns = deployFile('Dockerfile.dockerignore').trim().split('\n');
  const expressions = patterns.map(
    (pattern) => new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}$`),
  );
  return (name) => expressions.some((expression) => expression.test(name));
}

interface CopyOptions {
  readonly context: string;
  readonly ignored: (name: string) => boolean;
  readonly folders: ReadonlyMap<string, string>;
  readonly workDirectory: string;
}

function copy(text: string, { context, ignored, folders, workDirectory }: CopyOptions): void {
  const [, stage, paths = ''] = /^(?:--from=(\S+) )?(.*)$/.exec(text) ?? [];
  const from = stage === undefined ? context : folders.get(stage);
  if (from === undefined) throw new Error(`there is no stage ${stage}`);
  const words = paths.split(' ');
  const to = join(workDirectory, words.pop() ?? '');
  for (const word of words) {
    const source = join(from, word);
    if (word !== '.' && stage === undefined) {
      if (ignored(word)) throw new Error(`${word} is ignored`);
      cpSync(source, join(to, basename(word)), { recursive: true });
      continue;
    }
    for (const name of readdirSync(source)) {
      if (stage === undefined && ignored(name)) continue;
      cpSync(join(source, name), join(to, name), { recursive: true, verbatimSymlinks: true });
    }
  }
}

function run(command: string, cwd: string): void {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', command], { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stdout}${stderr}`);
}
