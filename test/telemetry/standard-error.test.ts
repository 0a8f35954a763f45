import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { ignoreErrors } from '../../dist/telemetry/standard-error.js';

it('a log that gets the output of many threads causes no warning about listeners', async () => {
  const stream = new Writable({ write: (_chunk, _encoding, done) => done() });
  const warnings: Error[] = [];
  const note = (warning: Error) => void warnings.push(warning);
  process.on('warning', note);
  for (let thread = 0; thread < 10; thread++) stream.on('error', () => {});
  ignoreErrors(stream);
  expect(stream.listenerCount('error')).toBe(11);
  expect(stream.getMaxListeners()).toBe(10);
  await new Promise((resolve) => setImmediate(resolve));
  expect(warnings).toEqual([]);
  process.off('warning', note);
});
