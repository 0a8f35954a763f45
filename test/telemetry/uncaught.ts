import { setImmediate as nextPhase } from 'node:timers/promises';

/** What is thrown to nobody while `act` runs, and in the ticks after it. The runner of tests does not hear of it. */
export async function uncaughtOf(act: () => unknown): Promise<unknown[]> {
  const thrown: unknown[] = [];
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => thrown.push(error));
  try {
    await act();
    await nextPhase();
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const other of others) process.on('uncaughtException', other);
  }
  return thrown;
}
