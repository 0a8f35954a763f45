/** Which microarchitecture the processor has, and which vectors: its name often hides both. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { plainText } from './plain-text.js';

/** What the system says of the processor beside its name. What it does not say is left out. */
export interface Processor {
  /** The numbers by which a microarchitecture can be looked up: `AuthenticAMD, family 26, model 2, stepping 1`. */
  readonly identity?: string;
  /** The vector instructions that matter for the kernels: `SSSE3`, `AVX2`, `AVX-512F`; on arm64 `asimd`, `sve`. */
  readonly vectors?: readonly string[];
  /** Whether the system runs in a virtual machine. */
  readonly isVirtual?: boolean;
}

/** Asks the system. Empty on systems other than Linux and macOS, and where they do not say it. */
export function processor(): Processor {
  try {
    if (process.platform === 'linux') return linuxProcessor(readFileSync('/proc/cpuinfo', 'utf8'));
    if (process.platform === 'darwin') return macProcessor(printedBy('sysctl', '-a'));
  } catch {
    // The system does not say it: the results do not, either.
  }
  return {};
}

function printedBy(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 2 ** 24 });
}

/** The vectors of x64, as Linux and macOS name them, from the oldest to the newest. What begins with `avx512` or `avx10` follows. */
const X64_VECTORS: readonly (readonly [title: string, ...flags: readonly string[]])[] = [
  ['SSSE3', 'ssse3', 'supplementalsse3'],
  ['SSE4.1', 'sse4_1'],
  ['SSE4.2', 'sse4_2'],
  ['AVX', 'avx', 'avx1_0'],
  ['AVX2', 'avx2', 'avx2_0'],
  ['AVX-VNNI', 'avx_vnni'],
];

/** The vectors of arm64 as Linux names them, and the names that macOS has for the same. */
const ARM64_VECTOR = /^(asimd\w*|sve\w*|sme\w*|i8mm|bf16)$/;
const MAC_NAMES: Readonly<Record<string, string>> = {
  advsimd: 'asimd',
  feat_dotprod: 'asimddp',
  feat_fp16: 'asimdhp',
  feat_i8mm: 'i8mm',
  feat_bf16: 'bf16',
  feat_sme: 'sme',
  feat_sme2: 'sme2',
};

/** The fields that identify a processor, and what is printed before each of them. */
type Identity = readonly (readonly [field: string, title: string])[];
const X64_IDENTITY: Identity = [
  ['vendor_id', ''],
  ['cpu family', 'family '],
  ['model', 'model '],
  ['stepping', 'stepping '],
];
const ARM64_IDENTITY: Identity = [
  ['CPU implementer', 'implementer '],
  ['CPU part', 'part '],
  ['CPU variant', 'variant '],
  ['CPU revision', 'revision '],
];
const MAC_X64_IDENTITY: Identity = [
  ['machdep.cpu.vendor', ''],
  ['machdep.cpu.family', 'family '],
  ['machdep.cpu.model', 'model '],
  ['machdep.cpu.stepping', 'stepping '],
];

/** @param cpuinfo the text of /proc/cpuinfo */
export function linuxProcessor(cpuinfo: string): Processor {
  const cores = cpuinfo.split(/\n\s*\n/).map(fieldsOf);
  const flags = cores[0]?.get('flags');
  if (flags !== undefined) {
    const words = flags.split(' ');
    return {
      ...identityOf(cores, X64_IDENTITY),
      ...vectorsOf(x64Vectors(words)),
      isVirtual: words.includes('hypervisor'),
    };
  }
  const features = cores[0]?.get('Features')?.split(' ') ?? [];
  return {
    ...identityOf(cores, ARM64_IDENTITY),
    ...vectorsOf(features.filter((feature) => ARM64_VECTOR.test(feature))),
  };
}

/** @param sysctl what `sysctl -a` prints */
export function macProcessor(sysctl: string): Processor {
  const fields = fieldsOf(sysctl);
  const present = [...fields].flatMap(([name, value]) => {
    const [, flag] = /^hw\.optional\.(?:arm\.)?(\w+)$/.exec(name) ?? [];
    return flag === undefined || value !== '1' ? [] : [flag.toLowerCase()];
  });
  const arm64 = present.flatMap((flag) => MAC_NAMES[flag] ?? []);
  const family = fields.get('hw.cpufamily');
  const virtual = fields.get('kern.hv_vmm_present');
  const x64 = identityOf([fields], MAC_X64_IDENTITY);
  return {
    ...(x64.identity === undefined && family !== undefined ? { identity: `family ${hexadecimal(family)}` } : x64),
    ...vectorsOf(arm64.length > 0 ? [...new Set(arm64)] : x64Vectors(present)),
    ...(virtual === undefined ? {} : { isVirtual: virtual === '1' }),
  };
}

/** `AVX-512 (F, BW)` instead of `AVX-512F, AVX-512BW`: there are many of them. */
export function vectorsText(vectors: readonly string[]): string {
  const parts = vectors.flatMap((vector) => (vector.startsWith(AVX512) ? [vector.slice(AVX512.length)] : []));
  const others = vectors.filter((vector) => !vector.startsWith(AVX512));
  return [...others, ...(parts.length === 0 ? [] : [`${AVX512} (${parts.join(', ')})`])].join(', ');
}

const AVX512 = 'AVX-512';

function fieldsOf(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name = '', value = ''] = /^([^:]*?)\s*:\s*(.*?)\s*$/.exec(line) ?? [];
    if (name !== '') fields.set(name, value);
  }
  return fields;
}

/** Processors have cores of different kinds: each kind is named once. Empty if the first field is missing. */
function identityOf(cores: readonly ReadonlyMap<string, string>[], identity: Identity): Processor {
  const [[first]] = identity as [Identity[number]];
  const kinds = cores
    .filter((core) => core.has(first))
    .map((core) => identity.flatMap(([field, title]) => (core.has(field) ? [`${title}${core.get(field)}`] : [])));
  return kinds.length === 0
    ? {}
    : { identity: plainText([...new Set(kinds.map((kind) => kind.join(', ')))].join(' and ')) };
}

function vectorsOf(vectors: readonly string[]): Processor {
  return vectors.length === 0 ? {} : { vectors };
}

function x64Vectors(flags: readonly string[]): string[] {
  const usual = X64_VECTORS.filter(([, ...names]) => names.some((name) => flags.includes(name))).map(
    ([title]) => title,
  );
  const newer = flags.filter((flag) => /^avx10/.test(flag)).map((flag) => flag.toUpperCase().replaceAll('_', '.'));
  const parts = flags.flatMap((flag) => {
    const [, part] = /^avx512_?(\w+)$/.exec(flag) ?? [];
    return part === undefined ? [] : [`${AVX512}${part.toUpperCase()}`];
  });
  return [...usual, ...newer, ...parts];
}

function hexadecimal(decimal: string): string {
  const value = Number(decimal);
  return Number.isSafeInteger(value) ? `0x${value.toString(16)}` : decimal;
}
