import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../bench/settings.js';
import { ENGINES } from '../../../bench/study/engines.js';
import { HELP, parseStudySettings } from '../../../bench/study/settings.js';

describe('the command line of the study', () => {
  it('has defaults', () => {
    const engines = ['node-20', 'node-22', 'node-24', 'node-26', 'bun', 'firefox', 'chromium'];
    expect(parseStudySettings([])).toEqual({
      isQuick: false,
      engines,
      hasServers: true,
      out: undefined,
      contributes: false,
    });
  });

  it('takes some of the engines, in the order of tables, each once; a number is a version of Node', () => {
    expect(parseStudySettings(['--quick', '--engines', 'chromium,24,bun,node-20,24', '--kernels-only'])).toMatchObject({
      isQuick: true,
      engines: ['node-20', 'node-24', 'bun', 'chromium'],
      hasServers: false,
    });
  });

  it('can ask for a contribution, and says what it is', () => {
    expect(parseStudySettings(['--contribute', '--out', 'a.json'])).toMatchObject({ contributes: true, out: 'a.json' });
    expect(HELP).toMatch(/--contribute .*bench\/results\/machines\/.*\n.*Not with --quick/);
  });

  it('names all engines in its help', () => {
    for (const name of ENGINES) expect(HELP).toContain(name);
  });

  it('can be asked for help', () => {
    expect(parseStudySettings(['--quick', '--help'])).toBe('help');
  });

  it.each([
    [['--fast'], "unknown option '--fast'"],
    [['--contribute', '--quick'], '--contribute needs the whole study: the figures of --quick are only a hint'],
    [['now'], "unexpected argument 'now'"],
    [['--engines', '18'], '--engines must be some of node-20,node-22,node-24,node-26,bun,firefox,chromium, got "18"'],
    [
      ['--engines', 'bun,opera'],
      '--engines must be some of node-20,node-22,node-24,node-26,bun,firefox,chromium, got "bun,opera"',
    ],
    [['--engines', ''], '--engines must be some of node-20,node-22,node-24,node-26,bun,firefox,chromium, got ""'],
  ])('refuses %j in one line', (args, message) => {
    expect(() => parseStudySettings(args)).toThrow(new UsageError(message));
  });
});
