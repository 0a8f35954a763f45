import { describe, expect, it } from 'vitest';
import {
  choice,
  count,
  milliseconds,
  type OptionRows,
  OptionSet,
  other,
  size,
  toggle,
  WrongValue,
} from '../../dist/options/define.js';
import { ConfigError, OptionError } from '../../dist/options/option-error.js';

const ROWS = {
  maxBytes: size({ least: 1, most: 100, byDefault: 10, help: '' }),
  people: count({ least: 0, most: 5, byDefault: () => 3, help: '' }),
  waitMs: milliseconds({ least: 1, most: 2 ** 31 - 1, byDefault: 1000, help: '' }),
  colour: choice({ choices: ['red', 'blue'], byDefault: 'blue', help: '' }),
  isLoud: toggle({ help: '' }),
  name: other({
    help: '',
    read: (value) => {
      if (value === undefined) return 'nobody';
      if (typeof value === 'string') return value.toUpperCase();
      throw new WrongValue('must be a string', { cause: value });
    },
  }),
} as const;

function refusal(set: OptionSet<OptionRows>, options: object): OptionError {
  try {
    set.checkNames(options);
    set.resolve(options);
  } catch (error) {
    if (error instanceof OptionError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('a set of options', () => {
  const set = new OptionSet(ROWS);

  it('is complete: a value is given, or is the default of its row', () => {
    const defaults = { maxBytes: 10, people: 3, waitMs: 1000, colour: 'blue', isLoud: false, name: 'nobody' };
    expect(set.resolve({})).toEqual(defaults);
    const given = { maxBytes: 100, people: 0, waitMs: 1, colour: 'red', isLoud: true };
    expect(set.resolve({ ...given, name: 'ann' })).toEqual({ ...given, name: 'ANN' });
  });

  it.each([
    [{ maxBytes: 101 }, 'maxBytes must be an integer from 1 to 100, got 101', { got: 101, least: 1, greatest: 100 }],
    [{ people: '4' }, 'people must be an integer from 0 to 5, got "4"', undefined],
    [{ waitMs: 0.5 }, 'waitMs must be an integer from 1 to 2147483647, got 0.5', expect.objectContaining({ got: 0.5 })],
    [{ colour: 'green' }, 'colour must be one of red, blue, got "green"', undefined],
    [{ isLoud: 1 }, 'isLoud must be true or false, got 1', undefined],
    [{ name: 5 }, 'name must be a string', undefined],
    [{ people: null }, 'people must be an integer from 0 to 5, got null', undefined],
  ])('refuses %j, with what was found and what is allowed', (options, message, outOfRange) => {
    const error = refusal(set, options);
    expect(error).toMatchObject({ option: Object.keys(options)[0], message, code: 'WSLOOM_OPTION' });
    expect(error.outOfRange).toEqual(outOfRange);
  });

  it('keeps the cause of a refusal', () => {
    expect(refusal(set, { name: 5 }).cause).toBe(5);
  });

  it.each([
    ['peple', '; did you mean people'],
    ['MAXBYTES', '; did you mean maxBytes'],
    ['wait', '; did you mean waitMs'],
    ['w', ''],
    ['constructor', ''],
  ])('names the options that there are instead of %s, and what may have been meant', (name, guess) => {
    expect(refusal(set, { [name]: 1 })).toMatchObject({
      option: name,
      message: `there is no option '${name}'; there are colour, isLoud, maxBytes, name, people, waitMs${guess}`,
    });
  });

  it('says first where a wrong name was found', () => {
    expect(() => set.checkNames({ peple: 1 }, 'listen(): ')).toThrow(/^listen\(\): there is no option 'peple'; /);
  });

  it('does not report an error of the reader as one of the user', () => {
    const mistake = new TypeError('of the reader');
    const read = () => {
      throw mistake;
    };
    expect(() => new OptionSet({ name: other({ help: '', read }) }).resolve({})).toThrow(mistake);
  });

  it('refuses with an error class of its own, and may treat null as left out', () => {
    const forServers = new OptionSet(ROWS, { error: ConfigError, isNullMissing: true });
    expect(refusal(forServers, { people: 9 })).toMatchObject({ name: 'ConfigError', code: 'WSLOOM_CONFIG' });
    expect(forServers.resolve({ people: null, colour: null })).toMatchObject({ people: 3, colour: 'blue' });
    expect(refusal(forServers, { name: null }).message).toBe('name must be a string');
  });
});
