/** A version of Node, or Bun, as an engine of the study. Each measurement is a process of its own, bound to the core of the servers. */
import { fileURLToPath } from 'node:url';
import { KERNEL_CHOICES } from '#dist/kernels/create-kernel.js';
import { launch } from '../children.js';
import { bound, pinning } from '../machine.js';
import { COMPILED } from '../paths.js';
import { countAll } from './counters.js';
import type { FoundEngine } from './engines.js';
import type { LoopAttempt } from './framing-loop.js';
import type { EngineRound } from './join.js';
import { type Answer, ASKS } from './questions.js';
import type { StudiedEngine } from './whole.js';

/** Only Node can be the main engine: Bun lacks candidates. */
export function programEngine({ name, program }: FoundEngine, isQuick: boolean, cacheBytes: number): StudiedEngine {
  const engine: StudiedEngine = {
    name,
    isBrowser: false,
    async measure(round) {
      // Each question has a process of its own: what one has compiled and warmed up makes the next one faster or slower.
      const answers: Answer[] = [];
      for (const asked of Object.keys(ASKS))
        answers.push(...(await jsonOf<Answer[]>([program, compiled('ask.js'), asked])));
      const args = [isQuick ? 'quick' : 'full', String(cacheBytes), String(round)];
      const measured = await jsonOf<Omit<EngineRound, 'answers'>>([program, compiled('measure.js'), ...args]);
      return { ...measured, answers };
    },
  };
  if (!name.startsWith('node-')) return engine;
  return {
    ...engine,
    program,
    count: () => countAll(program, pinning()?.server, isQuick),
    crossCheck: () => jsonOf([program, compiled('cross-check.js'), String(cacheBytes)]),
    async measureLoop() {
      const attempts: LoopAttempt[] = [];
      const effort = isQuick ? 'quick' : 'full';
      for (const kernel of KERNEL_CHOICES)
        attempts.push(...(await jsonOf<LoopAttempt[]>([program, compiled('measure-loop.js'), effort, kernel])));
      return attempts;
    },
  };
}

/** What a program prints that is bound to the core of the servers. @throws Error with its message if it fails */
async function jsonOf<Result>(command: readonly string[]): Promise<Result> {
  const child = launch(bound(command, pinning()?.server), { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  let complaints = '';
  child.stdout?.on('data', (bytes: Buffer) => {
    said += bytes.toString();
  });
  child.stderr?.on('data', (bytes: Buffer) => {
    complaints += bytes.toString();
    process.stderr.write(bytes);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0)
    throw new Error(complaints.split('\n').find((line) => line.includes('Error')) ?? `it ended with ${code}`);
  return JSON.parse(said) as Result;
}

function compiled(file: string): string {
  return fileURLToPath(new URL(`study/${file}`, COMPILED));
}
