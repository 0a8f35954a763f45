import { describe, expect, it } from 'vitest';
import { backplanesOf } from '../../dist/cli/backplane-flags.js';

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
    expect(backplanesOf(flags, env)).toEqual({ urls, notes: [] });
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
});
