import { describe, expect, it } from 'vitest';
import { descriptorsOf, slabBytes } from '../../../bench/ten-million/proc.js';
import { parseSimulateSettings } from '../../../bench/ten-million/simulate-settings.js';

const parse = (line: string) => parseSimulateSettings(line.split(' ').filter((word) => word !== ''));

describe('the command line of simulations', () => {
  it('simulates all of the document without a name', () => {
    expect(parse('')).toEqual({ kind: 'all', figures: undefined, out: undefined });
    expect(parse('all --figures a.json --out b.json')).toEqual({ kind: 'all', figures: 'a.json', out: 'b.json' });
  });

  it('changes what flags say of a storm', () => {
    expect(parse('storm --handshake tls --nodes 5 --busy 0.5 --back-off 2-40 --ends-questions')).toEqual({
      kind: 'storm',
      figures: undefined,
      handshake: 'tls',
      options: {
        nodes: 5,
        busyShare: 0.5,
        endsQuestions: true,
        backOff: { kind: 'jitter', baseSeconds: 2, capSeconds: 40 },
      },
    });
    expect(parse('storm --back-off none')).toMatchObject({
      handshake: 'plain',
      options: { backOff: { kind: 'none' } },
    });
    expect(parse('storm --back-off 1.5')).toMatchObject({ options: { backOff: { kind: 'fixed', seconds: 1.5 } } });
  });

  it('changes what flags say of a topic', () => {
    expect(parse('topic --bytes 1024 --nodes 3 --rate 2.5')).toEqual({
      kind: 'topic',
      figures: undefined,
      bytes: 1024,
      options: { nodes: 3, messagesPerSecond: 2.5 },
    });
  });

  it.each(['--help', 'all --help', 'storm --help', 'topic --help'])('helps: %s', (line) => {
    expect(parse(line)).toEqual({ kind: 'help' });
  });

  it.each([
    ['storm --nodes 1', '--nodes must be from 2, of which one dies, to 1000'],
    ['storm --nodes 1001', '--nodes must be from 2, of which one dies, to 1000'],
    ['storm --round-trip 0', '--round-trip must be above 0'],
    ['storm --timeout 0.1', '--timeout must be longer than the round trips'],
    ['topic --nodes 1001', '--nodes must be at most 1000'],
    ['storm --nodes 2.5', '--nodes must be an integer'],
    ['storm --busy 1', '--busy must be from 0 to 0.99'],
    ['storm --backlog 0', '--workers and --backlog must be at least 1'],
    ['storm --round-trip soon', '--round-trip must be a number from 0, got "soon"'],
    ['storm --back-off often', '--back-off must be none, seconds, or BASE-CAP, got "often"'],
    ['storm --handshake firm', '--handshake must be one of plain, worker, tls, resumed, got "firm"'],
    ['topic --rate 0', '--rate must be above 0'],
    ['topic --nodes 0', '--nodes and --threads must be at least 1'],
    ['topic --fast', "unknown option '--fast'"],
    ['rain', "unexpected argument 'rain'"],
  ])('refuses %s', (line, message) => {
    expect(() => parse(line)).toThrow(message);
  });
});

describe('what Linux says', () => {
  it('is read from /proc', () => {
    expect(slabBytes('MemFree: 1 kB\nSlab:             326800 kB\nSReclaimable: 5 kB\n')).toBe(326_800 * 1024);
  });

  it.runIf(process.platform === 'linux')('has the descriptors of a process', () => {
    expect(descriptorsOf(process.pid)).toBeGreaterThan(2);
  });
});
