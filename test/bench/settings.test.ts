import { describe, expect, it } from 'vitest';
import { parseSettings, UsageError } from '../../bench/settings.js';

describe('the command line of the benchmarks', () => {
  it('has defaults', () => {
    expect(parseSettings([])).toMatchObject({ isQuick: false, rounds: 7, seconds: 1, idleConnections: 8000 });
  });

  it('does less of everything with --quick', () => {
    expect(parseSettings(['--quick'])).toMatchObject({ isQuick: true, rounds: 1, seconds: 0.5, idleConnections: 2000 });
  });

  it('prefers other flags to the figures of --quick', () => {
    expect(parseSettings(['--quick', '--rounds', '3', '--seconds', '1.5'])).toMatchObject({ rounds: 3, seconds: 1.5 });
  });

  it('selects cases by a regular expression', () => {
    expect(parseSettings(['--only', '20 B|http'])).toMatchObject({ only: /20 B|http/ });
  });

  it('can be asked for help', () => {
    expect(parseSettings(['--quick', '--help'])).toBe('help');
  });

  it.each([
    [['--fast'], "unknown option '--fast'"],
    [['now'], "unexpected argument 'now'"],
    [['--only', '('], '--only must be a regular expression, got "("'],
    [['--rounds', '0'], '--rounds must be an integer from 1 to 9999, got "0"'],
    [['--rounds', '1.5'], '--rounds must be an integer from 1 to 9999, got "1.5"'],
    [['--seconds', 'two'], '--seconds must be a number above 0, got "two"'],
    [['--seconds=-1'], '--seconds must be a number above 0, got "-1"'],
  ])('refuses %j in one line', (args, message) => {
    expect(() => parseSettings(args)).toThrow(new UsageError(message));
  });
});
