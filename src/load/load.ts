import { trySystemCalls } from '../system/system-calls.js';
import type { LoadControls, LoadOptions, LoadProgress } from './load-options.js';
import { type LoadResult, resultOf } from './load-result.js';
import { LoadRunner } from './load-runner.js';
import { type ResolvedLoadOptions, resolveLoadOptions, shareOfThread } from './resolved-load-options.js';
import { Tally } from './tally.js';
import { PROGRESS_MS } from './thread-messages.js';
import { WorkerLoad } from './worker-load.js';

/** A load in this thread, or in another. */
type LoadPart = Pick<LoadRunner, 'open' | 'run' | 'abort' | 'terminate' | 'progress'>;

/**
 * Puts a load on a WebSocket server, and measures the server. Errors of connections are in the result: the promise never rejects
 * because of the server. It rejects with an {@link OptionError} if an option cannot be used, and with a {@link LoadThreadError}
 * if a thread of the load generator ends by itself.
 *
 * With one worker, the default, the load runs in the calling thread, and the other work of that thread is in the figures too.
 */
export async function load(options: LoadOptions, controls: LoadControls = {}): Promise<LoadResult> {
  const resolved = resolveLoadOptions(options);
  const parts = await partsOf(resolved);
  const { signal } = controls;
  const abort = () => {
    for (const part of parts) part.abort();
  };
  const timer = setInterval(() => controls.onProgress?.(progressOf(parts)), PROGRESS_MS);
  signal?.addEventListener('abort', abort);
  if (signal?.aborted === true) abort();
  try {
    await Promise.all(parts.map((part) => part.open()));
    const tallies = await Promise.all(parts.map((part) => part.run()));
    const tally = new Tally();
    for (const part of tallies) tally.add(part);
    return resultOf(resolved, tally, new Date());
  } catch (error) {
    // The other threads would stay for ever: they wait for a command, or put on a load without an end.
    for (const part of parts) part.terminate();
    throw error;
  } finally {
    clearInterval(timer);
    signal?.removeEventListener('abort', abort);
  }
}

async function partsOf(resolved: ResolvedLoadOptions): Promise<LoadPart[]> {
  if (resolved.workers === 1) return [new LoadRunner(resolved, await trySystemCalls())];
  return Array.from({ length: resolved.workers }, (_, index) => new WorkerLoad(shareOfThread(resolved, index)));
}

function progressOf(parts: readonly LoadPart[]): LoadProgress {
  const all = parts.map(({ progress }) => progress);
  const sum = (count: 'open' | 'messages' | 'errors') => all.reduce((total, part) => total + part[count], 0);
  // All parts go from phase to phase together.
  return { ...(all[0] as LoadProgress), open: sum('open'), messages: sum('messages'), errors: sum('errors') };
}
