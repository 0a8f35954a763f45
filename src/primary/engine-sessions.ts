import type { Backplane } from '../fleet/backplane.js';
import { BackplaneSession, type BackplaneSessionListener } from '../fleet/backplane-session.js';
import { Origin } from '../fleet/envelope.js';
import type { FleetOptions } from './fleet-options.js';

// This is imported by servers of a fleet only, when they start.

/**
 * The engines that a server was given, in their order.
 * @throws ConfigError if a URL is not that of an engine; or an error that says which package is missing.
 */
export async function enginesOf({ engines }: FleetOptions): Promise<readonly Backplane[]> {
  return await Promise.all(engines.map(engineOf));
}

async function engineOf(engine: string | Backplane): Promise<Backplane> {
  if (typeof engine !== 'string') return engine;
  const { backplaneOf } = await import('../backplanes/from-url.js');
  return backplaneOf(engine);
}

/** A session with each engine, which is not started. @param listenerOf makes its listener, from the place of its engine in the list. */
export function sessionsWith(
  engines: readonly Backplane[],
  options: FleetOptions,
  listenerOf: (index: number) => BackplaneSessionListener,
): readonly BackplaneSession[] {
  const origin = new Origin();
  return engines.map((backplane, index) => {
    return new BackplaneSession(
      {
        backplane,
        origin,
        timeoutMs: options.backplaneTimeoutMs,
        maxKeptBytes: options.maxBackplaneBytes,
        stallMs: options.backplaneStallMs,
        maxPayloadBytes: options.maxPayloadBytes,
      },
      listenerOf(index),
    );
  });
}
