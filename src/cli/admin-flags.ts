import { type Command, Option as Flag } from 'commander';
import { WrongValue } from '../options/define.js';
import { ConfigError } from '../options/option-error.js';
import { readFileUpTo } from '../options/read-file-up-to.js';
import { ADMIN_ROWS } from '../primary/admin-rows.js';
import { codeOf } from '../primary/listen-error.js';
import { Group } from '../primary/option-groups.js';

/** The variable of the environment that may have the token of the admin port. */
export const ADMIN_TOKEN_VARIABLE = 'WSLOOM_ADMIN_TOKEN';

const TOKEN_FILE_FLAG = '--admin-token-file';

/** No token is as long as this. */
const MAX_TOKEN_FILE_BYTES = 64 * 1024;

/** What errors of the option `adminToken` are about. */
export const ADMIN_FLAG_NAMES: Readonly<Record<string, string>> = { adminToken: TOKEN_FILE_FLAG };

/** Adds the flag of the token to a command. The token itself has none: it could be seen in the list of processes. */
export function addAdminFlags(command: Command): void {
  const help = `file with what a client must know to see /metrics on the admin port; else ${ADMIN_TOKEN_VARIABLE} of the environment`;
  command.addOption(new Flag(`${TOKEN_FILE_FLAG} <file>`, help).helpGroup(`${Group.ADMIN}:`));
}

/**
 * The option `adminToken`: what is in the file of the flag, without white space around it, else the variable. The variable of a server
 * without an admin port is left alone, because it may be set for all programs of a machine.
 * @throws ConfigError, whose message has nothing of the token.
 */
export function adminTokenOf(
  command: Command,
  env: NodeJS.ProcessEnv,
  hasAdminPort: boolean,
): { readonly adminToken?: string } {
  const file = command.getOptionValue('adminTokenFile') as string | undefined;
  if (file !== undefined) return { adminToken: checked(TOKEN_FILE_FLAG, contentsOf(file).trim()) };
  const token = env[ADMIN_TOKEN_VARIABLE];
  if (token === undefined || token === '' || !hasAdminPort) return {};
  return { adminToken: checked(ADMIN_TOKEN_VARIABLE, token) };
}

function contentsOf(file: string): string {
  const wrong = (why: string) => new ConfigError(TOKEN_FILE_FLAG, `${TOKEN_FILE_FLAG} must be ${why}`);
  let bytes: Buffer | undefined;
  try {
    bytes = readFileUpTo(file, MAX_TOKEN_FILE_BYTES);
  } catch (error) {
    throw wrong(`a file that can be read (${codeOf(error)})`);
  }
  if (bytes === undefined) throw wrong('a file of at most 64 KiB');
  return bytes.toString();
}

function checked(source: string, token: string): string {
  try {
    return ADMIN_ROWS.adminToken.read(token) as string; // it is one
  } catch (error) {
    if (!(error instanceof WrongValue)) throw error;
    throw new ConfigError(source, `${source} ${error.message}`);
  }
}
