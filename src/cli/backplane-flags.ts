import { ConfigError } from '../options/option-error.js';
import { FLEET_ROWS } from '../primary/fleet-rows.js';

/** The variable of the environment that may name engines. */
export const BACKPLANE_VARIABLE = 'WSLOOM_BACKPLANE';

/** Between the URLs of the variable. A comma may also stand between the hosts of one URL. */
const SEPARATOR = /,?\s+|,(?=[a-z][a-z0-9+.-]*:\/\/)/i;

/** The engines of a server that is started by the command line. */
export interface GivenBackplanes {
  /** The URLs; undefined for none. */
  readonly urls: readonly string[] | undefined;
  /** Makes an error about them name the variable, if they come from it. */
  readonly explain: (error: unknown) => unknown;
  /** What the user should know, in a line each. */
  readonly notes: readonly string[];
}

/** How each of these URLs begins. */
const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;

/**
 * Decides which engines carry publications: those of the flags, else those of the variable.
 * @param flags the values of `--backplane`; undefined without any.
 * @param options what other flags set.
 * @throws ConfigError if a flag is empty, or the variable has spaces within a URL.
 */
export function backplanesOf(
  flags: readonly string[] | undefined,
  env: NodeJS.ProcessEnv,
  options: Readonly<Record<string, unknown>> = {},
): GivenBackplanes {
  // Whatever stands in front of an @ is a password, a token or the name that goes with one.
  if (flags !== undefined) {
    // A variable of the shell that is not set, most likely.
    if (flags.includes('')) {
      throw new ConfigError('backplane', 'backplane is empty: it must be a URL, such as redis://127.0.0.1:6379');
    }
    const isVisible = flags.some((url) => url.includes('@'));
    return { urls: flags, explain: (error) => error, notes: isVisible ? [PASSWORD_IS_VISIBLE] : [] };
  }
  const urls = (env[BACKPLANE_VARIABLE] ?? '').split(SEPARATOR).filter((url) => url !== '');
  // The pieces of a password with a space would be taken for hosts, and be shown in an error.
  if (urls.length > 1 && !urls.every((url) => SCHEME.test(url))) {
    throw new ConfigError(
      BACKPLANE_VARIABLE,
      `${BACKPLANE_VARIABLE}: between spaces there must be whole URLs, such as redis://host: a space in a password is %20, and hosts of one cluster have only commas between them`,
    );
  }
  if (urls.length === 0) return { urls: undefined, explain: (error) => error, notes: idleFlags(options).map(noteIdle) };
  return { urls, explain: namingVariable, notes: [] };
}

/** The flags that are given, and say how an engine is treated. */
function idleFlags(options: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(FLEET_ROWS).flatMap(([name, { flag }]) => {
    return flag === undefined || options[name] === undefined ? [] : [flag];
  });
}

/** Perhaps the variable is meant to be set, and is not: the server would be alone, and nobody told. */
function noteIdle(flag: string): string {
  return `${flag} changes nothing without --backplane or ${BACKPLANE_VARIABLE}: this server is on its own`;
}

function namingVariable(error: unknown): unknown {
  if (!(error instanceof ConfigError) || error.option !== 'backplane') return error;
  return new ConfigError(BACKPLANE_VARIABLE, error.message.replace('backplane', BACKPLANE_VARIABLE));
}

const PASSWORD_IS_VISIBLE = `a password in --backplane can be seen in the list of processes: set ${BACKPLANE_VARIABLE} instead`;
