import { ConfigError } from '../options/option-error.js';

/** The variable that names engines, so that their passwords are not in the list of processes. */
export const BACKPLANE_VARIABLE = 'WSLOOM_BACKPLANE';

/** The engines of a server that is started by the command line. */
export interface GivenBackplane {
  /** The URLs; undefined for none. */
  readonly urls: readonly string[] | undefined;
  /** What the user should know, in a line each. */
  readonly notes: readonly string[];
}

/**
 * Decides which engines carry publications: those of the flags, else those of the variable, which separates them by commas or spaces.
 * @param flags the values of `--backplane`; undefined without any.
 * @throws ConfigError that names the flag or the variable, and has nothing of the URL: there may be a password in it.
 */
export function backplaneOf(flags: readonly string[] | undefined, env: NodeJS.ProcessEnv): GivenBackplane {
  if (flags !== undefined) {
    expectUrls('--backplane', flags);
    return { urls: flags, notes: flags.some(hasSecret) ? [SECRET_IS_SEEN] : [] };
  }
  const urls = (env[BACKPLANE_VARIABLE] ?? '').split(/[\s,]+/).filter((url) => url !== '');
  if (urls.length === 0) return { urls: undefined, notes: [] };
  expectUrls(BACKPLANE_VARIABLE, urls);
  return { urls, notes: [] };
}

const SECRET_IS_SEEN = `the password in --backplane can be seen in the list of processes: set ${BACKPLANE_VARIABLE} instead`;

function expectUrls(source: string, urls: readonly string[]): void {
  if (urls.every((url) => URL.canParse(url))) return;
  throw new ConfigError(source, `${source} must be a URL such as nats://localhost:4222 or redis://localhost:6379`);
}

/** Whether a URL has a password, or only a user, which is a token for NATS. */
function hasSecret(url: string): boolean {
  const { username, password, protocol } = new URL(url);
  return password !== '' || (username !== '' && (protocol === 'nats:' || protocol === 'tls:'));
}
