import type { Backplane } from '../fleet/backplane.js';
import { describeEngineError } from '../fleet/engine-error.js';
import { CHECKS } from './conformance-checks.js';
import { ConformanceRig } from './conformance-rig.js';

/** What an implementation of {@link Backplane} does wrong. */
export class BackplaneTestError extends Error {
  readonly code = 'WSLOOM_BACKPLANE_TEST';
  override readonly name = 'BackplaneTestError';
  /** One sentence for each rule that is broken, with what was found. */
  readonly failures: readonly string[];

  constructor(failures: readonly string[]) {
    super(`the backplane breaks ${failures.length} of its rules:\n${failures.map((one) => `- ${one}`).join('\n')}`);
    this.failures = failures;
  }
}

/** How an implementation is tested. */
export interface BackplaneTestOptions {
  /**
   * How long each rule waits for what must happen, in ms.
   * @default 5000
   */
  readonly timeoutMs?: number;
}

/** Without a backplane no rule can be checked, and each would say so in words of its own. */
async function checkMake(make: () => Backplane | Promise<Backplane>): Promise<void> {
  const failed = (found: string) => new BackplaneTestError([`make is a function that makes a backplane: ${found}`]);
  if (typeof make !== 'function') throw failed(`its type is ${typeof make}`);
  let made: unknown;
  try {
    made = await make();
  } catch (error) {
    throw failed(`it has failed: ${describeEngineError(error)}`);
  }
  if (typeof Reflect.get(Object(made), 'connect') !== 'function') throw failed('what it returns has no connect()');
}

/**
 * Tests an implementation of {@link Backplane} against an engine that runs. It publishes to topics whose names begin with `wsloom test`
 * and to some very odd ones, so give it an engine, or a prefix, of its own. It needs no framework for tests, and makes at most three
 * connections at a time. It does not test what happens if the engine is lost, because it cannot stop it.
 *
 * @param make makes a backplane of its own for each process that is imitated, all of the same engine.
 * @returns a promise that resolves if all rules are kept.
 * @throws BackplaneTestError whose message and `failures` say which rules are broken.
 */
export async function testBackplane(
  make: () => Backplane | Promise<Backplane>,
  { timeoutMs = 5000 }: BackplaneTestOptions = {},
): Promise<void> {
  await checkMake(make);
  const failures: string[] = [];
  for (const [rule, check] of Object.entries(CHECKS)) {
    const rig = new ConformanceRig(make, timeoutMs);
    try {
      await check(rig);
    } catch (error) {
      failures.push(`${rule}: ${error instanceof Error ? error.message : String(error)}`);
    }
    failures.push(...(await rig.end()).map((problem) => `${rule}: ${problem}`));
  }
  if (failures.length > 0) throw new BackplaneTestError(failures);
}
