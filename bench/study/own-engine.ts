import type { EngineRound } from './join.js';

/** What the engine that runs a program calls itself. @param version and `versions`: those of `process` */
export function ownEngine(
  version: string,
  versions: Readonly<Record<string, string | undefined>>,
): Pick<EngineRound, 'name' | 'version' | 'compiler'> {
  const { bun, webkit, node, v8 } = versions;
  // Bun has versions of Node and V8 too: those that it imitates.
  if (bun !== undefined)
    return {
      name: `Bun ${bun.split('.').slice(0, 2).join('.')}`,
      version: bun,
      compiler: `JavaScriptCore ${webkit?.slice(0, 10)}`,
    };
  return { name: `Node ${node?.split('.')[0]}`, version, compiler: `V8 ${v8}` };
}
