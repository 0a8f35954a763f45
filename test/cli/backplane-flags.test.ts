import { describe, expect, it } from 'vitest';
import { backplanesOf } from '../../dist/cli/backplane-flags.js';
import { ConfigError } from '../../dist/options/option-error.js';

describe('the engines of a server that the command line starts', () => {
  it.each([
    ['none by default', undefined, {}, undefined],
    ['none if the variable is empty', undefined, { WSLOOM_BACKPLANE: ' ' }, undefined],
    ['those of the flags, in their order', ['redis://b', 'redis://a'], {}, ['redis://b', 'redis://a']],
    ['that of the variable', undefined, { WSLOOM_BACKPLANE: 'nats://user:secret@a' }, ['nats://user:secret@a']],
    ['those of the flags rather', ['redis://b'], { WSLOOM_BACKPLANE: 'nats://a' }, ['redis://b']],
    [
      'several of the variable, with commas or spaces between them',
      undefined,
      { WSLOOM_BACKPLANE: 'redis://a, redis://b,rediss://c\n nats://d' },
      ['redis://a', 'redis://b', 'rediss://c', 'nats://d'],
    ],
    [
      'with several hosts each',
      undefined,
      { WSLOOM_BACKPLANE: 'nats://a:1,b:2,nats://c,d' },
      ['nats://a:1,b:2', 'nats://c,d'],
    ],
  ])('are %s', (_, flags, env, urls) => {
    expect(backplanesOf(flags, env)).toMatchObject({ urls, notes: [] });
  });

  it('are refused if a flag is empty', () => {
    const refused = () => backplanesOf(['redis://a', ''], {});
    expect(refused).toThrow(ConfigError);
    expect(refused).toThrow(/^backplane is empty: it must be a URL, such as redis:/);
  });

  it('are missed by flags that change nothing without them, and a note says so', () => {
    const options = { maxBackplaneBytes: 1024, backplaneTimeoutMs: 5, threads: 2 };
    const note = (flag: string) =>
      `${flag} changes nothing without --backplane or WSLOOM_BACKPLANE: this server is on its own`;
    const { urls, notes } = backplanesOf(undefined, { WSLOOM_BACKPLANE: '' }, options);
    expect([urls, notes]).toEqual([undefined, [note('--max-backplane'), note('--backplane-timeout')]]);
    expect(backplanesOf(undefined, {}, { threads: 2 }).notes).toEqual([]);
    expect(backplanesOf(undefined, { WSLOOM_BACKPLANE: 'nats://a' }, options).notes).toEqual([]);
    expect(backplanesOf(['nats://a'], {}, options).notes).toEqual([]);
  });

  it('are noted if a flag has a password or a token, without it', () => {
    for (const url of ['nats://user:secret@a', 'nats://secret@a', 'redis://:secret@a']) {
      const { urls, notes } = backplanesOf(['redis://b', url, url], {});
      expect(urls).toEqual(['redis://b', url, url]);
      expect(notes).toHaveLength(1);
      expect(notes[0]).toContain('WSLOOM_BACKPLANE');
      expect(notes[0]).not.toContain('secret');
    }
  });

  it.each([['redis://:my s3cret@redis:6379'], ['redis://user:s3cret s3cret@redis,redis://b'], ['redis://a, b,s3cret']])(
    'are refused without being shown if there are spaces in a URL: %s',
    (url) => {
      const refused = () => backplanesOf(undefined, { WSLOOM_BACKPLANE: url });
      expect(refused).toThrow(ConfigError);
      expect(refused).toThrow(/^WSLOOM_BACKPLANE: (?!.*(s3cret|my)).*%20/);
    },
  );

  it('are called by the variable in errors, if they come from it', () => {
    const wrong = new ConfigError('backplane', 'backplane: the URL must name a host');
    const other = new ConfigError('threads', 'threads must be 0 on this system');
    const { explain } = backplanesOf(undefined, { WSLOOM_BACKPLANE: 'nats://' });
    expect(explain(wrong)).toMatchObject({ message: 'WSLOOM_BACKPLANE: the URL must name a host' });
    expect(explain(other)).toBe(other);
    expect(backplanesOf(['nats://'], {}).explain(wrong)).toBe(wrong);
  });
});
