import { type ExecFileException, execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { promisify } from 'node:util';
import { launch } from './children.js';
import { COMPILED } from './paths.js';

/**
 * Compiles a program, if it is not compiled yet.
 * @throws if there is no compiler ($CXX, or g++), or it fails
 */
export async function compile(source: string, binary: string, flags: readonly string[]): Promise<void> {
  if (existsSync(binary) && statSync(binary).mtimeMs > statSync(source).mtimeMs) return;
  mkdirSync(COMPILED, { recursive: true });
  // It is moved to its place when it is whole, because another run may be about to start it.
  const made = `${binary}.${process.pid}`;
  try {
    const { CXX = 'g++' } = process.env;
    await promisify(execFile)(CXX, ['-O3', '-march=native', '-std=c++17', '-o', made, source, ...flags]);
    renameSync(made, binary);
  } catch (error) {
    rmSync(made, { force: true });
    throw new Error(describe(error as ExecFileException));
  }
}

function describe({ code, path, stderr, message }: ExecFileException): string {
  if (String(code) === 'ENOENT') return `there is no ${path ?? 'compiler'}`;
  return stderr?.split('\n').find((line) => line.includes('error')) ?? message;
}

/** Runs a program, and returns what it prints. @throws if it prints nothing, with what it says on stderr */
export async function outputOf(command: readonly string[]): Promise<string> {
  const { said, complaints } = await run(command);
  if (said === '') throw new Error(complaints.trim());
  return said;
}

/** Runs a program, and returns what it has printed and what it has said on stderr. */
export async function run(command: readonly string[]): Promise<{ readonly said: string; readonly complaints: string }> {
  const child = launch(command, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  let complaints = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
  return { said, complaints };
}
