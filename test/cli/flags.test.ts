import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { describeError } from '../../dist/cli/errors.js';
import { flagsOf, valuesOf } from '../../dist/cli/flags.js';
import { KERNELS_ROWS } from '../../dist/cli/kernels.js';
import { LOAD_ROWS } from '../../dist/load/load-rows.js';
import { type Option, type OptionRows, OptionSet } from '../../dist/options/define.js';
import { ConfigError, OptionError } from '../../dist/options/option-error.js';
import { showSeconds, showSize } from '../../dist/options/units.js';
import { LISTEN_ROWS } from '../../dist/primary/listen-options.js';
import { CLOSE_ROWS } from '../../dist/primary/method-options.js';
import { SERVER_ROWS } from '../../dist/primary/option-rows.js';

const SERVE_ROWS: OptionRows = { ...LISTEN_ROWS, ...CLOSE_ROWS, ...SERVER_ROWS };

/** A number as the flag of its option takes it. */
function written({ kind }: Option<unknown>, value: number): string {
  if (kind === 'size') return showSize(value);
  return kind === 'milliseconds' ? showSeconds(value) : String(value);
}

/** What an option becomes that is given by its flag. @throws what `wsloom` would throw */
function given(name: string, row: Option<unknown>, text: string, error: typeof OptionError): unknown {
  const rows = { [name]: row };
  const flags = flagsOf(rows);
  const command = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  for (const flag of flags.values()) command.addOption(flag);
  command.parse([(row.flag as string).replace(/^-\w, /, ''), text], { from: 'user' });
  return Reflect.get(new OptionSet(rows, { error }).resolve(valuesOf(flags, command)), name);
}

function refusalOf(...of: Parameters<typeof given>): string {
  try {
    given(...of);
  } catch (error) {
    return describeError(error);
  }
  return 'it was not refused';
}

describe.each<[string, OptionRows, typeof OptionError]>([
  ['serve', SERVE_ROWS, ConfigError],
  ['load', LOAD_ROWS, OptionError],
  ['kernels', KERNELS_ROWS, OptionError],
])('the flags of wsloom %s', (_, rows, error) => {
  const numbers = Object.entries(rows).filter(([, { flag, most }]) => flag !== undefined && most !== undefined);

  it.each(numbers)('take the range that their error says: %s', (name, row) => {
    const { least = 0, most = 0, kind, flag = '' } = row;
    for (const value of [least, most]) expect(given(name, row, written(row, value), error)).toBe(value);
    const range = `from ${written(row, least)} to ${written(row, most)}`;
    const unit = kind === 'milliseconds' ? ' seconds' : '';
    const what = kind === 'count' ? 'an integer ' : '';
    const long = flag.replace(/^-\w, /, '');
    for (const value of least === 0 ? [most + 1] : [least - 1, most + 1]) {
      const got = written(row, value);
      expect(refusalOf(name, row, got, error)).toBe(`${long} must be ${what}${range}${unit}, got ${got}`);
    }
  });

  it('are named with their units', () => {
    expect(numbers.length).toBeGreaterThan(0);
    for (const [, { flag, kind }] of numbers)
      expect([flag, kind]).toEqual([flag, expect.stringMatching(/^(size|count|milliseconds)$/)]);
  });
});

it('a flag does not take what is far beyond its range for something else', () => {
  for (const [name, text] of [
    ['idleTimeoutMs', '9'.repeat(400)],
    ['maxConnections', '9'.repeat(20)],
    ['maxOwedBytes', '99999999TiB'],
  ] as const) {
    expect(refusalOf(name, SERVER_ROWS[name], text, ConfigError)).toMatch(/^--\S+ must be .*from \S+ to \S+/);
  }
});

it('a time that is shorter than 1 ms is no 0, which is no limit', () => {
  expect(given('idleTimeoutMs', SERVER_ROWS.idleTimeoutMs, '0.0001', ConfigError)).toBe(1);
  expect(given('idleTimeoutMs', SERVER_ROWS.idleTimeoutMs, '0', ConfigError)).toBe(0);
});

describe('the flag of a switch', () => {
  it('takes no value, and says nothing where it is not given', () => {
    const flags = flagsOf({ proxyProtocol: SERVER_ROWS.proxyProtocol });
    const parse = (...args: string[]) => {
      const command = new Command().argument('[handler]');
      for (const flag of flags.values()) command.addOption(flag);
      command.parse(args, { from: 'user' });
      return { ...valuesOf(flags, command), args: command.args };
    };
    expect(parse('--proxy-protocol', 'echo')).toEqual({ proxyProtocol: true, args: ['echo'] });
    expect(parse('echo')).toEqual({ args: ['echo'] });
  });
});
