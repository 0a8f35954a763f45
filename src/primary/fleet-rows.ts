import { milliseconds, other, size } from '../options/define.js';
import { MAX_TIMEOUT_MS } from './machine-limits.js';
import { Group } from './option-groups.js';
import { readBackplanes, readOnBackplane } from './option-readers.js';

const TIB = 2 ** 40;

/** The options by which servers exchange publications with others. */
export const FLEET_ROWS = {
  backplane: other({
    kind: 'list',
    flag: '--backplane',
    placeholder: 'url',
    group: Group.FLEET,
    help: 'engine that carries publications to other servers, nats://… or redis://… (repeatable: each carries a part of the topics); a password belongs into WSLOOM_BACKPLANE',
    defaultText: 'none',
    read: readBackplanes,
  }),
  onBackplane: other({
    help: 'is told when the connection to the engine is lost, and when it is back',
    read: readOnBackplane,
  }),
  maxBackplaneBytes: size({
    least: 0,
    most: TIB,
    byDefault: 0,
    zero: 'nothing is kept',
    flag: '--max-backplane',
    group: Group.FLEET,
    help: 'publications that are kept while the engine is lost, of each engine; beyond: dropped',
    beyond: 'dropped for other servers; the subscribers of this one get them',
  }),
  backplaneStallMs: milliseconds({
    least: 0,
    most: MAX_TIMEOUT_MS,
    byDefault: 1000,
    zero: 'nobody waits',
    flag: '--backplane-stall',
    group: Group.FLEET,
    help: 'for an engine that does not take publications, while publishers wait; beyond: dropped',
    beyond: 'publishers wait no more, and publications are dropped for other servers until the engine goes on',
  }),
  backplaneTimeoutMs: milliseconds({
    least: 1,
    most: MAX_TIMEOUT_MS,
    byDefault: 5000,
    flag: '--backplane-timeout',
    group: Group.FLEET,
    help: 'for a connection to the engine; beyond: tried again, and the server starts without it',
    beyond: 'the attempt is given up and another one follows; at the start, the server goes on without the engine',
  }),
} as const;
