import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Secrets } from '../../dist/backplanes/secrets.js';

describe('the secrets of an engine', () => {
  const secrets = new Secrets(['pass/word', undefined, '', 'pass/word and more']);

  it('are hidden as they are, and as they stand in a URL', () => {
    expect(secrets.hide('a pass/word, and redis://me:pass%2Fword@host')).toBe(
      'a [hidden], and redis://me:[hidden]@host',
    );
  });

  it('are hidden whole where one is a part of another', () => {
    expect(secrets.hide('pass/word and more')).toBe('[hidden]');
  });

  it('that are none hide nothing', () => {
    expect(new Secrets([undefined, '']).hide('a text')).toBe('a text');
  });

  it('are in no error that is made of another one, and neither is that', () => {
    const found = Object.assign(new Error('wrong pass/word', { cause: 'pass/word' }), { command: 'AUTH pass/word' });
    const error = secrets.error('Redis at host', found);
    expect(error.message).toBe('Redis at host: wrong [hidden]');
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain('pass/word');
  });

  it.each([
    [
      new AggregateError([new Error('one'), Object.assign(new Error(''), { code: 'ECONNREFUSED' })], ''),
      'one, ECONNREFUSED',
    ],
    [Object.assign(new Error(''), { code: 'ECONNRESET' }), 'ECONNRESET'],
    [new TypeError(''), 'TypeError'],
    ['a text', 'a text'],
    [undefined, 'undefined'],
  ])('are left out of what %o says', (error, said) => {
    expect(secrets.error('NATS', error).message).toBe(`NATS: ${said}`);
  });
});
