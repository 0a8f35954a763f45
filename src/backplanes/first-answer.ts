import type { EngineAddress } from './engine-options.js';

/** When an address has not answered for so long, in ms, the next one is asked too. */
const NEXT_AFTER_MS = 1000;

export interface FirstAnswer<Answer> {
  readonly address: EngineAddress;
  readonly answer: Answer;
}

/**
 * Asks several addresses of one engine, and takes the answer that comes first. The first to be asked is drawn at random: whoever starts at the
 * same one each time would fill one server of a cluster and leave the others idle. The next one is asked when one has failed, or has not answered
 * for a second: a machine that is gone answers nothing at all, and would use up the time of the whole attempt.
 *
 * @param ask rejects when its signal is aborted.
 * @param discard is given an answer that comes after the first.
 * @returns a promise that rejects if none answers, with all of the messages.
 */
export function firstAnswer<Answer>(
  addresses: readonly EngineAddress[],
  signal: AbortSignal,
  ask: (address: EngineAddress, signal: AbortSignal) => Promise<Answer>,
  discard: (answer: Answer) => void,
): Promise<FirstAnswer<Answer>> {
  const start = Math.floor(Math.random() * addresses.length);
  const order = [...addresses.slice(start), ...addresses.slice(0, start)].values();
  const losers = new AbortController();
  const eitherSignal = AbortSignal.any([signal, losers.signal]);
  const failures: string[] = [];
  let asked = 0;
  let isOver = false;
  let next: NodeJS.Timeout | undefined;
  return new Promise((resolve, reject) => {
    const end = () => {
      isOver = true;
      clearTimeout(next);
    };
    const askNext = () => {
      clearTimeout(next);
      const { value: address } = order.next();
      if (address === undefined || isOver || signal.aborted) return;
      asked++;
      next = setTimeout(askNext, NEXT_AFTER_MS);
      ask(address, eitherSignal).then(
        (answer) => {
          if (isOver) {
            discard(answer);
            return;
          }
          end();
          losers.abort();
          resolve({ address, answer });
        },
        (error: unknown) => {
          if (isOver) return;
          failures.push(error instanceof Error ? error.message : String(error));
          askNext();
          if (failures.length < asked) return;
          end();
          reject(new Error(failures.join('; ')));
        },
      );
    };
    askNext();
    if (asked === 0) reject(new Error('it took too long'));
  });
}
