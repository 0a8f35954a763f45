import { ConfigError } from '../options/option-error.js';
import { shown } from '../options/shown.js';
import { contradictionIn, LISTEN_ROWS, type ListenOptions, resolveListen } from '../primary/listen-options.js';
import { explainOption } from './flags.js';
import { readPort } from './values.js';

/** The options of `listen` by their names, as flags or the environment have set them. */
type Given = Readonly<Partial<Record<keyof typeof LISTEN_ROWS, unknown>>>;

/** Where a server listens that is started by the command line. */
export interface WhereToListen {
  readonly options: ListenOptions;
  /** What has said so, if no flag has: `socket of systemd`. */
  readonly source: string | undefined;
  /** What the user may have meant otherwise, in a line each. */
  readonly notes: readonly string[];
}

/** The first descriptor that systemd passes: SD_LISTEN_FDS_START of sd_listen_fds(3). */
const FIRST_PASSED = 3;

/** The variables that tell a process which sockets systemd passes to it. They are not for its children. */
export const ACTIVATION_VARIABLES = ['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES', 'LISTEN_PIDFDID'] as const;

/**
 * Decides where to listen: where the flags say; else on the socket that systemd passes; else where the variables PORT and
 * WSLOOM_HOST say, each of which a flag replaces.
 * @param pid of this process.
 * @throws ConfigError
 */
export function whereToListen(flags: Given, env: NodeJS.ProcessEnv, pid: number): WhereToListen {
  const given = Object.keys(flags);
  expectOnePlace(given);
  const passed = passedDescriptors(env, pid);
  if (given.length === 0 && typeof passed === 'number') {
    if (passed === 1) return { options: { fd: FIRST_PASSED }, source: 'socket of systemd', notes: [] };
    const { LISTEN_FDS } = env;
    const found = `LISTEN_FDS is ${shown(LISTEN_FDS)}: systemd must pass one socket`;
    throw new ConfigError('LISTEN_FDS', `${found}, with one Listen line for each service; --fd chooses one of several`);
  }
  const notes = notesOn(passed, given);
  if (given.includes('path') || given.includes('fd')) return { options: checked(flags), source: undefined, notes };
  const { PORT, WSLOOM_HOST } = env;
  const fromEnvironment: { port?: number; host?: string } = {};
  if (PORT && flags.port === undefined) fromEnvironment.port = portOf(PORT);
  if (WSLOOM_HOST && flags.host === undefined) fromEnvironment.host = WSLOOM_HOST;
  const names = Object.keys(fromEnvironment).map((name) => (name === 'port' ? 'PORT' : 'WSLOOM_HOST'));
  const source = names.length === 0 ? undefined : `${names.join(' and ')} of the environment`;
  return { options: checked({ ...flags, ...fromEnvironment }), source, notes };
}

/** @throws ConfigError that names flags, if they name different places or one that is not enough. */
function expectOnePlace(given: readonly string[]): void {
  const contradiction = contradictionIn(given);
  if (contradiction !== undefined) {
    const [one, other] = contradiction.map(flagOf) as [string, string];
    throw new ConfigError(other, `${other} cannot be given together with ${one}: a server listens in one place`);
  }
  if (given.includes('mode') && !given.includes('path')) {
    throw new ConfigError('--socket-mode', '--socket-mode is of a unix socket: --socket is missing');
  }
}

/**
 * How many sockets systemd passes to this process; undefined for none. A text if it passes them to another process, which happens
 * under a wrapper such as npm, and says so.
 */
function passedDescriptors({ LISTEN_FDS, LISTEN_PID }: NodeJS.ProcessEnv, pid: number): number | string | undefined {
  if (!LISTEN_FDS || !LISTEN_PID || LISTEN_FDS === '0') return undefined;
  if (LISTEN_PID === String(pid)) return /^\d+$/.test(LISTEN_FDS) ? Number(LISTEN_FDS) : Number.NaN;
  const whose = `systemd passes its sockets to process ${LISTEN_PID}, and this is ${pid}`;
  return `${whose}: they are not used; start node itself, without a program in between`;
}

/** @param passed the result of {@link passedDescriptors} */
function notesOn(passed: number | string | undefined, given: readonly string[]): string[] {
  if (passed === undefined || given.includes('fd')) return [];
  if (typeof passed === 'string') return [passed];
  return [`the socket that systemd passes is not used, because of ${given.map(flagOf).join(' and ')}`];
}

/** @throws ConfigError */
function portOf(text: string): number {
  const port = readPort(text);
  if (port !== undefined) return port;
  const remedy =
    text.includes('/') || text.includes('\\') ? 'for a unix socket use --socket' : 'correct it, or set --port';
  throw new ConfigError(
    'PORT',
    `PORT of the environment must be a number from 0 to 65535, got ${shown(text)}: ${remedy}`,
  );
}

/** @throws ConfigError that names flags. */
function checked(options: Given): ListenOptions {
  try {
    resolveListen(options);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(flagOf(error.option), explainOption(error, LISTEN_ROWS));
  }
  return options as ListenOptions;
}

function flagOf(name: string): string {
  return LISTEN_ROWS[name as keyof typeof LISTEN_ROWS].flag ?? name;
}
