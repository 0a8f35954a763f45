import { isDeepStrictEqual } from 'node:util';
import { KERNEL_CHOICES, type KernelChoice } from '../../dist/kernels/create-kernel.js';
import type { Verdict } from '../conformance/reference-decoder.js';
import { GuardedRig } from './guarded-rig.js';
import type { Input } from './input.js';
import { expected } from './model.js';
import { Trial } from './trial.js';

export { KERNEL_CHOICES };

/** The result of an input on which all agree. */
export interface Agreement {
  readonly verdict: Verdict;
  readonly heapMessages: number;
}

/** The framing loop with each kernel, in a roomy arena and in a full one. */
export class Rigs {
  readonly #rigs = new Map<string, GuardedRig>();

  of(choice: KernelChoice, isFull: boolean): GuardedRig {
    const name = `${choice} ${isFull}`;
    const made = this.#rigs.get(name) ?? new GuardedRig(choice, isFull);
    this.#rigs.set(name, made);
    return made;
  }
}

/** Feeds an input to the framing loop with every kernel. @throws Error that says how it differs from the reference */
export function check({ stream, setting }: Input, rigs: Rigs): Agreement {
  const verdict = expected(stream, setting);
  let heapMessages = 0;
  for (const choice of KERNEL_CHOICES) {
    const rig = rigs.of(choice, setting.fullArena);
    const trial = new Trial(rig, setting);
    try {
      trial.run(stream);
      compare(trial, verdict, setting.pauseEach === 0 && !setting.pausesInflating);
    } catch (error) {
      restore(rig);
      throw new Error(`${choice}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    try {
      rig.check();
    } catch (error) {
      throw new Error(`${choice}: ${(error as Error).message}`, { cause: error });
    }
    heapMessages += trial.heapMessages;
  }
  return { verdict, heapMessages };
}

function compare(trial: Trial, { events, closeCode, orCloseCode, knownAfter }: Verdict, isPrompt: boolean): void {
  if (trial.wasGivenUp) {
    if (isDeepStrictEqual(trial.events, events.slice(0, trial.events.length))) return;
    throw new Error(`events ${trial.events.join('; ')} are no beginning of ${events.join('; ')}`);
  }
  if (!isDeepStrictEqual(trial.events, events)) {
    const at = events.findIndex((event, i) => event !== trial.events[i]);
    const place = at < 0 ? events.length : at;
    throw new Error(`event ${place} is "${trial.events[place]}" instead of "${events[place]}"`);
  }
  if (trial.closeCode !== closeCode && (orCloseCode === undefined || trial.closeCode !== orCloseCode))
    throw new Error(`close code ${trial.closeCode} instead of ${closeCode}`);
  if (knownAfter === undefined || !isPrompt) return;
  if (knownAfter > trial.knownAfter || knownAfter <= trial.knownNotAfter) {
    throw new Error(
      `refused with byte ${trial.knownNotAfter + 1} to ${trial.knownAfter} instead of with byte ${knownAfter}`,
    );
  }
}

/** Restores the memory after a failure. More errors in the memory are of no interest then. */
function restore(rig: GuardedRig): void {
  try {
    rig.check();
  } catch {
    // Reported by the failure that has brought us here.
  }
}
