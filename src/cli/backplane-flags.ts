/** Between the URLs of the variable WSLOOM_BACKPLANE. A comma may also stand between the hosts of one URL. */
const SEPARATOR = /,?\s+|,(?=[a-z][a-z0-9+.-]*:\/\/)/i;

/** The engines of a server that is started by the command line. */
export interface GivenBackplanes {
  /** The URLs; undefined for none. */
  readonly urls: readonly string[] | undefined;
  /** What the user should know, in a line each. */
  readonly notes: readonly string[];
}

/**
 * Decides which engines carry publications: those of the flags, else those of the variable.
 * @param flags the values of `--backplane`; undefined without any.
 */
export function backplanesOf(flags: readonly string[] | undefined, env: NodeJS.ProcessEnv): GivenBackplanes {
  // Whatever stands in front of an @ is a password, a token or the name that goes with one.
  if (flags !== undefined) return { urls: flags, notes: flags.some((url) => url.includes('@')) ? [IS_SEEN] : [] };
  const { WSLOOM_BACKPLANE = '' } = env;
  const urls = WSLOOM_BACKPLANE.split(SEPARATOR).filter((url) => url !== '');
  return { urls: urls.length === 0 ? undefined : urls, notes: [] };
}

const IS_SEEN = 'a password in --backplane can be seen in the list of processes: set WSLOOM_BACKPLANE instead';
