import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { fileURLToPath } from 'node:url';
import { ROOT } from './paths.js';
import { plainText } from './plain-text.js';
import { type Processor, processor, vectorsText } from './processor.js';

/**
 * The machine and the versions, without which figures mean nothing. Results before December 2026 say neither platform nor architecture,
 * and nothing of the processor but its name.
 */
export interface Machine extends Processor {
  /** The name of the processor, as the system has it. It may hide the model: `AMD EPYC`. */
  readonly cpu: string;
  /** As Node names it: `linux`, `darwin`. */
  readonly platform?: string;
  /** As Node names it: `x64`, `arm64`. */
  readonly arch?: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
}

export function machine(): Machine {
  return {
    cpu: plainText(cpus()[0]?.model ?? '') || 'unknown',
    ...processor(),
    platform: process.platform,
    arch: process.arch,
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: plainText(`${type()} ${release()}`),
    node: process.version,
  };
}

/** The processor with all that is known of it: `AMD EPYC (AuthenticAMD, family 26, model 2, stepping 1; AVX2)`. */
export function processorText({ cpu, identity, vectors }: Pick<Machine, 'cpu' | 'identity' | 'vectors'>): string {
  const known = [identity, vectors && vectorsText(vectors)].filter((part) => part !== undefined);
  return known.length === 0 ? cpu : `${cpu} (${known.join('; ')})`;
}

/** The commit of the sources, with a `+` if they have changes that are not committed; `unknown` without git. */
export function commit(): string {
  try {
    const changes = git('status', '--porcelain', '--untracked-files=no');
    return `${git('rev-parse', '--short=10', 'HEAD')}${changes === '' ? '' : '+'}`;
  } catch {
    return 'unknown';
  }
}

function git(...args: string[]): string {
  const cwd = fileURLToPath(ROOT);
  return execFileSync('git', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
}

/** One core for the server and another for the load. Undefined if there is only one, or processes cannot be bound to cores. */
export interface Pinning {
  readonly server: number;
  readonly client: number;
}

export function pinning(): Pinning | undefined {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    const [, list = ''] = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    const [server, client] = coresOf(list);
    return server === undefined || client === undefined ? undefined : { server, client };
  } catch {
    return undefined; // not Linux, or no taskset
  }
}

/** The cores in a list that is written as Linux does: `0-3,8`. */
export function coresOf(list: string): number[] {
  return list
    .split(',')
    .filter((range) => range !== '')
    .flatMap((range) => {
      const [first = 0, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
}

/** The command, bound to a core if one is given. */
export function bound(command: readonly string[], core: number | undefined): readonly string[] {
  return core === undefined ? command : ['taskset', '-c', String(core), ...command];
}

/** How many descriptors a process of this user may have, at most. */
export function descriptorLimit(): number {
  try {
    const limit = Number(execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }));
    return Number.isNaN(limit) ? Number.POSITIVE_INFINITY : limit; // it may be 'unlimited'
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
