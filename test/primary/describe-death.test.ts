import { expect, it } from 'vitest';
import { describeDeath } from '../../dist/primary/describe-death.js';
import { WorkerStartError } from '../../dist/primary/worker-start-error.js';

const describeOne = (why: unknown) =>
  describeDeath({ why, connections: 3, handler: 'file:///srv/chat.js', next: '; and so on' });

it('an uncaught error of the application is shown with its stack, and with the handler', () => {
  const [first, second, ...stack] = describeOne(new TypeError('on purpose')).split('\n');
  expect(first).toBe('a worker died with 3 connections (on purpose); and so on');
  expect(second).toMatch(/^an error outside of hooks, in a thread with the handler .*chat\.js: TypeError: on purpose$/);
  expect(stack.join('\n')).toContain('describe-death.test');
});

it('an error that is not a mistake of the application is told in one line', () => {
  const outOfMemory = Object.assign(new Error('reached memory limit'), { code: 'ERR_WORKER_OUT_OF_MEMORY' });
  for (const why of [
    outOfMemory,
    new Error('worker exited with code: 1'),
    new WorkerStartError('WSLOOM_WORKER', 'a worker did not start'),
  ]) {
    expect(describeOne(why)).toBe(`a worker died with 3 connections (${why.message}); and so on`);
  }
  expect(describeOne('its task has ended')).toBe('a worker died with 3 connections (its task has ended); and so on');
});
