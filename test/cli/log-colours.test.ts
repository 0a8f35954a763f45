import { expect, it } from 'vitest';
import { hasColours } from '../../dist/cli/log-colours.js';

it.each([
  [true, {}, true],
  [false, {}, false],
  [true, { TERM: 'xterm-256color' }, true],
  [true, { TERM: 'dumb' }, false],
  [true, { NO_COLOR: '1' }, false],
  [true, { NO_COLOR: '' }, true], // no-color.org: when present and not empty
  [false, { FORCE_COLOR: '1' }, true],
  [true, { FORCE_COLOR: '1', NO_COLOR: '1', TERM: 'dumb' }, true],
  [true, { FORCE_COLOR: '0' }, false],
  [true, { FORCE_COLOR: 'false' }, false],
])('on a terminal (%s) with %j there are colours: %s', (isTerminal, env, are) => {
  expect(hasColours(isTerminal, env)).toBe(are);
});
