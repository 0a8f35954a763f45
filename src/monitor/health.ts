import type { IncomingMessage, ServerResponse } from 'node:http';
import { answer } from '../opening/answer.js';

/** How a server is. `starting` is seen on the admin port only: the others listen when the threads are ready. */
export const HEALTH_STATES = ['starting', 'ok', 'degraded', 'draining'] as const;

/** The answer of `/healthz`, as JSON. */
export interface Health {
  readonly status: (typeof HEALTH_STATES)[number];
  /** One entry for each worker thread. */
  readonly threads: readonly { readonly connections: number; readonly isTaking: boolean }[];
  readonly connections: number;
  /** How many workers have died, ever and in the last minute. */
  readonly workersLost: number;
  readonly workersLostLastMinute: number;
  readonly uptimeSeconds: number;
  /** One entry for each engine of the option `backplane`. Left out without it. */
  readonly backplane?: readonly BackplaneHealth[];
}

/** One engine by which servers exchange publications. */
export interface BackplaneHealth {
  /** The kind of the engine, without its address. */
  readonly name: string;
  readonly state: 'connected' | 'lost';
  /** For how long. */
  readonly seconds: number;
}

/** Whether the process is well. One that starts is, so that nobody ends it meanwhile. */
export function isHealthy({ status }: Health): boolean {
  return status !== 'draining';
}

/**
 * Whether new clients should come here. A degraded server is ready: what degrades one, such as a lost engine, mostly degrades its whole
 * fleet, and then there would be no server left to go to.
 */
export function isReady({ status }: Health): boolean {
  return status === 'ok' || status === 'degraded';
}

/** Answers a request for the health. */
export function answerHealth(request: IncomingMessage, response: ServerResponse, health: Health): void {
  const status = isHealthy(health) ? 200 : 503;
  answer(request, response, status, 'application/json', `${JSON.stringify(health)}\n`, UNCACHED);
}

/** Answers the question whether the server is ready. */
export function answerReadiness(request: IncomingMessage, response: ServerResponse, health: Health): void {
  if (isReady(health)) answer(request, response, 200, 'text/plain', 'ready\n', UNCACHED);
  else answer(request, response, 503, 'text/plain', `${health.status}\n`, UNCACHED);
}

const UNCACHED = { 'Cache-Control': 'no-store' };
