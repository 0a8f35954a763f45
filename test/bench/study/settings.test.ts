import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../bench/settings.js';
import { HELP, parseStudySettings } from '../../../bench/study/settings.js';

describe('the command line of the study', () => {
  it('has defaults', () => {
    const defaults = { isQuick: false, majors: [20, 22, 24, 26], hasServers: true, out: undefined, contributes: false };
    expect(parseStudySettings([])).toEqual(defaults);
  });

  it('takes some of the engines, in ascending order', () => {
    expect(parseStudySettings(['--quick', '--engines', '24,20', '--kernels-only'])).toMatchObject({
      isQuick: true,
      majors: [20, 24],
      hasServers: false,
    });
  });

  it('can ask for a contribution, and says what it is', () => {
    expect(parseStudySettings(['--contribute', '--out', 'a.json'])).toMatchObject({ contributes: true, out: 'a.json' });
    expect(HELP).toMatch(/--contribute .*bench\/results\/machines\/.*\n.*Not with --quick/);
  });

  it('can be asked for help', () => {
    expect(parseStudySettings(['--quick', '--help'])).toBe('help');
  });

  it.each([
    [['--fast'], "unknown option '--fast'"],
    [['--contribute', '--quick'], '--contribute needs the whole study: the figures of --quick are only a hint'],
    [['now'], "unexpected argument 'now'"],
    [['--engines', '18'], '--engines must be some of 20,22,24,26, got "18"'],
    [['--engines', ''], '--engines must be some of 20,22,24,26, got ""'],
  ])('refuses %j in one line', (args, message) => {
    expect(() => parseStudySettings(args)).toThrow(new UsageError(message));
  });
});
