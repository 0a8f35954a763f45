export type { Backplane, BackplaneConnection, BackplaneEvents } from '../fleet/backplane.js';
export { BackplaneError } from './backplane-error.js';
export { BackplaneTestError, type BackplaneTestOptions, testBackplane } from './conformance.js';
export type { EngineTls } from './engine-options.js';
export { type NatsOptions, nats } from './nats.js';
export { type RedisOptions, redis } from './redis.js';
