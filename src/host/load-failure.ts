import { existsSync, statSync } from 'node:fs';
import { errorText } from '../telemetry/error-text.js';
import { HandlerModuleError } from './handler-module-error.js';
import { shownModule } from './module-url.js';
import { placeOfSyntaxError } from './syntax-error.js';

const TYPESCRIPT = `Node ${process.versions.node} does not run TypeScript by itself, Node 22.18 and later do (22.6 with \
--experimental-strip-types). Compile it to JavaScript, or start Node with --import tsx`;

/**
 * Says why a handler module did not load, in words that help its author.
 * @param cause the error with which its `import()` was rejected.
 * @param href the URL of the module.
 */
export async function loadFailure(cause: unknown, href: string): Promise<HandlerModuleError> {
  const shown = shownModule(href);
  if (isMissing(cause, href)) {
    const hint = /[\\/](echo|broadcast)$/.test(shown) ? ': echo and broadcast are for the command line only' : '';
    return new HandlerModuleError(`there is no handler module ${shown}${hint}`, { cause });
  }
  if ((cause as NodeJS.ErrnoException | undefined)?.code === 'ERR_UNSUPPORTED_DIR_IMPORT' && isFolder(href)) {
    return new HandlerModuleError(`the handler module ${shown} is a folder: name a file in it`, { cause });
  }
  const why = await reason(cause, href);
  return new HandlerModuleError(`the handler module ${shown} does not load: ${why}`, { cause });
}

/** Whether the error says that this module is missing, and not a module that it imports. */
function isMissing(error: unknown, href: string): boolean {
  if (!(error instanceof Error) || !href.startsWith('file:')) return false;
  return (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND' && !existsSync(shownModule(href));
}

function isFolder(href: string): boolean {
  return href.startsWith('file:') && statSync(new URL(href), { throwIfNoEntry: false })?.isDirectory() === true;
}

/** What the error says about a module, or about one that it imports, which is there and cannot be run. */
async function reason(cause: unknown, href: string): Promise<string> {
  if (!(cause instanceof Error)) return errorText(cause);
  if (cause instanceof SyntaxError) {
    const place = await placeOfSyntaxError(cause, href);
    if (place !== undefined) return `${place}: ${cause.name}: ${cause.message}`;
  }
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION' && /\.[mc]?tsx?\b/.test(cause.message))
    return `${cause.message}. ${TYPESCRIPT}`;
  // The stack of an error of Node's loader shows no code of the user.
  return code?.startsWith('ERR_') === true ? cause.message : (cause.stack ?? cause.message);
}
