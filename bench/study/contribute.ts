/** What `npm run study -- --contribute` writes: the results of this machine in one file, for others. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir, hostname, tmpdir, userInfo } from 'node:os';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Machine } from '../machine.js';
import { BENCH, ROOT } from '../paths.js';
import { UsageError } from '../settings.js';
import { plainText } from '../plain-text.js';
import { type Study, serialize } from './results.js';
import { InvalidField } from './schema.js';
import { contributionOf, MACHINES } from './study-file.js';

/** Where files go if no other place is given. */
interface Places {
  readonly machines: URL;
  /** For a file that cannot be contributed. */
  readonly unfit: URL;
}

/** Git ignores the file that is not fit. */
const USUAL_PLACES: Places = { machines: MACHINES, unfit: new URL('results/latest-contribution.json', BENCH) };

/** Files of one machine and one day. */
const MOST_FILES = 100;

/** `amd-epyc-linux-x64-2026-01-31`: safe as the name of a file everywhere. */
export function fileNameOf({ machine, date }: Pick<Study, 'machine' | 'date'>): string {
  const { cpu, identity = cpu, platform = '', arch = '' } = machine;
  const parts = [slug(cpu === 'unknown' ? identity : cpu).slice(0, 60), slug(platform), slug(arch), date.slice(0, 10)];
  return parts.filter((part) => part !== '').join('-');
}

function slug(text: string): string {
  const words = text.toLowerCase().replace(/\((r|tm|c)\)/g, '');
  return words.replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');
}

/** A file that is not there yet: the name of the machine, with a number if there is one of that day. */
export function freeFile(study: Pick<Study, 'machine' | 'date'>, folder: URL): string {
  const name = fileNameOf(study);
  for (let i = 1; i <= MOST_FILES; i++) {
    const file = new URL(`${name}${i === 1 ? '' : `-${i}`}.json`, folder);
    if (!existsSync(file)) return fileURLToPath(file);
  }
  throw new Error(`there are ${MOST_FILES} files of this machine and day in ${fileURLToPath(folder)}`);
}

/** Before half an hour of measuring: a file that is there is not overwritten. @throws UsageError */
export function refuseToOverwrite(file: string | undefined): void {
  if (file !== undefined && existsSync(file))
    throw new UsageError(`--contribute does not overwrite a file, and ${plainText(file)} is there`);
}

/** What is private to this machine, and has no place in a file for others. */
export interface Private {
  readonly folders: readonly string[];
  readonly names: readonly string[];
}

/** The folders, the user and the host of this process. */
export function privateHere(): Private {
  const folders = [fileURLToPath(ROOT), process.cwd(), homedir(), tmpdir()];
  return { folders, names: [hostname(), userName()].filter((name) => name !== '') };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return ''; // the user has no name
  }
}

/** The study without names and folders of this machine: of the system its version, of errors what is no path. */
export function withoutPrivate(study: Study, own: Private): Study {
  const machine: Machine = { ...study.machine, kernel: versionOnly(study.machine.kernel) };
  return { ...study, machine, failures: study.failures.map((failure) => publicText(failure, own)) };
}

/** `Linux 6.18.44`: what follows may be the name of a company. */
function versionOnly(kernel: string): string {
  return /^\w+( \d+(\.\d+)*)?/.exec(kernel)?.[0] ?? 'unknown';
}

const CUT = '…';
const LONGEST_FAILURE = 160;

function publicText(text: string, { folders, names }: Private): string {
  const [first = ''] = text.trim().split('\n');
  // Folders first: their names may have spaces in them. The root of the file system is in every path.
  const longestFirst = folders.filter((folder) => folder.length > 1).toSorted((a, b) => b.length - a.length);
  const withoutFolders = longestFirst.reduce((left, folder) => left.replaceAll(folder, CUT), first);
  const withoutPaths = withoutFolders
    .split(/\s+/)
    .map((word) => word.replace(/\S*[\\/]\S*/, (path) => `${CUT}${/\/node_modules\/[\w./-]+/.exec(path)?.[0] ?? ''}`));
  const withoutNames = names.reduce((left, name) => left.replace(wholeWord(name), CUT), withoutPaths.join(' '));
  const plain = plainText(withoutNames);
  return plain.length <= LONGEST_FAILURE ? plain : `${plain.slice(0, LONGEST_FAILURE - 1)}${CUT}`;
}

function wholeWord(text: string): RegExp {
  const literal = text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(?<![\\p{L}\\p{N}_])${literal}(?![\\p{L}\\p{N}_])`, 'giu');
}

/** What was written where, and why it is not fit to be contributed, if it is not. */
export interface Contribution {
  readonly file: string;
  readonly unfit?: string;
}

/**
 * Writes the file, unless one of this name is there. What the report would refuse is written nevertheless, because it took half an
 * hour, but not where the report looks. @param out where to write it, instead of to {@link MACHINES}
 */
export function contribute(
  study: Study,
  out: string | undefined,
  own = privateHere(),
  { machines, unfit: other } = USUAL_PLACES,
): Contribution {
  const text = serialize(withoutPrivate(study, own));
  const unfit = reasonAgainst(text);
  const file = out ?? (unfit === undefined ? freeFile(study, machines) : fileURLToPath(other));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { flag: out === undefined && unfit !== undefined ? 'w' : 'wx' });
  return { file, ...(unfit === undefined ? {} : { unfit }) };
}

function reasonAgainst(text: string): string | undefined {
  try {
    contributionOf(text);
    return undefined;
  } catch (error) {
    if (error instanceof InvalidField) return error.message;
    throw error;
  }
}

/** What is said about a file of results, and whether it is fit for its purpose. If it is not, the run ends with exit code 1. */
export interface Written {
  readonly lines: readonly string[];
  readonly isFit: boolean;
}

/** {@link contribute}, in words. */
export function writeForOthers(study: Study, out: string | undefined): Written {
  const contribution = contribute(study, out);
  const lines = instructions(relative('.', contribution.file), contribution);
  return { lines, isFit: contribution.unfit === undefined };
}

/** What somebody who has contributed reads. @param shown the path of the file */
export function instructions(shown: string, { unfit }: Contribution): string[] {
  if (unfit !== undefined)
    return [
      `written to ${shown}, which is not fit to be contributed: ${unfit}`,
      'measure again on a quiet machine; bench/machines.md says what helps',
    ];
  return [
    `written to ${shown}: open a pull request that adds this file; npm run study:report shows what becomes of it`,
    'in it: the processor, the versions of the system and of the engines, the hash of the commit and all figures; no name of host or user, no path',
  ];
}
