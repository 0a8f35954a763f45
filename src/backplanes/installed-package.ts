import { createRequire } from 'node:module';
import { BackplaneError } from './backplane-error.js';

// The packages are optional. Their names are no literals of `import()`, because bundlers would look for them there, and fail without them.
export const NATS_PACKAGE: string = '@nats-io/transport-node';
export const REDIS_PACKAGE: string = 'redis';

export function importNats(): Promise<typeof import('@nats-io/transport-node')> {
  return import(NATS_PACKAGE);
}

export function importRedis(): Promise<typeof import('redis')> {
  return import(REDIS_PACKAGE);
}

/**
 * Makes sure that the package of an engine's client is installed, before anything is started that needs it.
 * @throws BackplaneError
 */
export function needPackage(engine: string, name: string): void {
  try {
    createRequire(import.meta.url).resolve(name);
  } catch {
    // Whatever is wrong with it, to install it is the remedy.
    throw new BackplaneError(
      `a backplane of ${engine} needs the package ${name}, which is not installed: npm install ${name}`,
    );
  }
}
