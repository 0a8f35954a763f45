import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addLogFlags, failureLine, logSettingsOf } from '../../dist/cli/log-flags.js';
import { type LogSettings, ServeLog } from '../../dist/cli/serve-log.js';

const TEXT: LogSettings = { format: 'text', least: 'info', hasColours: false };

function written(settings: Partial<LogSettings>): string[] {
  const lines: string[] = [];
  const log = new ServeLog({ ...TEXT, ...settings }, { write: (line) => void lines.push(line) }, () => new Date(0));
  log.info('a');
  log.warn('b');
  log.error('c');
  log.note('info', 'd', { signal: 'SIGHUP' });
  log.note('error', 'e');
  return lines;
}

function settingsOf(...args: readonly string[]): LogSettings {
  const command = new Command();
  addLogFlags(command);
  return logSettingsOf(command.parse(args, { from: 'user' }));
}

describe('the log of wsloom serve', () => {
  it('has what the server reports, and what the command says', () => {
    expect(written({})).toEqual([
      'wsloom: info: a\n',
      'wsloom: warning: b\n',
      'wsloom: error: c\n',
      'wsloom: d\n',
      'wsloom: e\n',
    ]);
  });

  it.each([
    ['warn', ['b', 'c', 'e']],
    ['error', ['c', 'e']],
    ['off', []],
  ] as const)('at the level %s leaves out what is less grave', (least, said) => {
    const lines = written({ least, format: 'json' });
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(said);
  });

  it('as JSON has no colours, and the fields of each report', () => {
    const lines = written({ format: 'json', hasColours: true });
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { time: '1970-01-01T00:00:00.000Z', level: 'info', msg: 'a' },
      { time: '1970-01-01T00:00:00.000Z', level: 'warn', msg: 'b' },
      { time: '1970-01-01T00:00:00.000Z', level: 'error', msg: 'c' },
      { time: '1970-01-01T00:00:00.000Z', level: 'info', msg: 'd', signal: 'SIGHUP' },
      { time: '1970-01-01T00:00:00.000Z', level: 'error', msg: 'e' },
    ]);
  });

  it('is as the flags say', () => {
    expect(settingsOf('--log-format', 'json', '--log-level', 'off')).toMatchObject({ format: 'json', least: 'off' });
    expect(settingsOf('--log-format', 'text')).toMatchObject({ format: 'text', least: 'info' });
  });
});

describe('the line about a failure', () => {
  it.each([
    [['serve', '--log-format', 'json', '--prot'], true],
    [['serve', '--log-format=json'], true],
    [['serve', '--log-format=json', '--log-format', 'text'], false],
    [['serve', '--log-format', 'text', '--', '--log-format=json'], false],
    [['load', '--log-format', 'json'], false],
    [[], false],
  ])('of %j is JSON: %s', (args, isJson) => {
    const line = failureLine(args, 'wrong', { code: 'EACCES' });
    if (isJson) expect(JSON.parse(line)).toMatchObject({ level: 'error', msg: 'wrong', code: 'EACCES' });
    else expect(line).toBe('wsloom: wrong\n');
  });
});
