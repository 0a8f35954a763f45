import type { Bench } from '../bench.js';
import { buildLoadgen } from '../loadgen.js';
import { machine, pinning } from '../machine.js';
import { parseSettings } from '../settings.js';
import { endToEnd, memoryOfArenas } from './end-to-end.js';
import type { Plan } from './plan.js';
import type { Study } from './results.js';
import type { Fail, Say } from './whole.js';

/**
 * Measures the servers with each kernel. @param program the version of Node that they run on; undefined for that of this process
 * @throws Error if there is no load generator
 */
export async function measureServers(
  plan: Plan,
  isQuick: boolean,
  program: string | undefined,
  say: Say,
  fail: Fail,
): Promise<Pick<Study, 'endToEnd' | 'memory'>> {
  await buildLoadgen();
  const usual = parseSettings(isQuick ? ['--quick'] : []);
  if (usual === 'help') throw new Error('it was not asked for help');
  const { seconds, warmUpSeconds, serverRounds: rounds } = plan;
  const bench: Bench = {
    settings: { ...usual, seconds, warmUpSeconds, rounds },
    pinning: pinning(),
    cores: machine().cores,
    contestants: [],
    hasLoadgen: true,
    wants: () => true,
    progress: say,
    fail,
  };
  return { endToEnd: await endToEnd(bench, program), memory: await memoryOfArenas(bench, program) };
}
