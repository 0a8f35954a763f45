import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../dist/options/option-error.js';
import { resolveOptions } from '../../dist/primary/options.js';

const resolve = (deflate: unknown) => resolveOptions({ handler: 'handler.js', threads: 1, deflate: deflate as never });

function refusal(deflate: unknown): ConfigError {
  try {
    resolve(deflate);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error(`accepted: ${JSON.stringify(deflate)}`);
}

describe('the option deflate', () => {
  it.each([undefined, null, false])('compresses nothing if it is %s', (deflate) => {
    const { host, negotiation } = resolve(deflate);
    expect([host.compression, host.windows, negotiation]).toEqual([undefined, undefined, undefined]);
    // A member more costs each start of a worker, and a host without it is what it was.
    expect(Object.keys(host)).not.toContain('compression');
  });

  it('needs an arena of 2 MiB', () => {
    const withArena = (arenaBytes: number, deflate = true) =>
      resolveOptions({ handler: 'handler.js', threads: 1, arenaBytes, deflate }).host.arenaBytes;
    expect(withArena(2 ** 21)).toBe(2 ** 21);
    expect(withArena(2 ** 20, false)).toBe(2 ** 20);
    expect(() => withArena(2 ** 21 - 1)).toThrow(
      expect.objectContaining({
        option: 'arenaBytes',
        message: 'arenaBytes must be at least 2 MiB with deflate (--deflate), got 2097151',
      }),
    );
  });

  it.each([[true], [{}], [{ level: undefined, windowBits: null }]])('has its defaults with %j', (deflate) => {
    const { host, negotiation } = resolve(deflate);
    expect(host.compression).toEqual({ kernel: 'auto', level: 'fast', thresholdBytes: 256 });
    expect(negotiation?.settings).toEqual({ contextTakeover: false, windowBits: 12, allowsFullWindows: false });
    expect(negotiation?.windows.maxBytes).toBeGreaterThanOrEqual(1024 * 1024);
  });

  it('gives each part to those who need it', () => {
    const { host, negotiation } = resolve({
      level: 'small',
      thresholdBytes: 0,
      windowBits: 9,
      contextTakeover: true,
      fullWindows: true,
      kernel: 'native',
      maxMemoryBytes: 2 ** 20,
    });
    expect(host.compression).toEqual({ kernel: 'native', level: 'small', thresholdBytes: 0 });
    expect(negotiation?.settings).toEqual({ contextTakeover: true, windowBits: 9, allowsFullWindows: true });
    expect(negotiation?.windows.maxBytes).toBe(2 ** 20);
  });

  it.each(['contextTakeover', 'fullWindows'])('turns on %s by itself', (name) => {
    const off = { contextTakeover: false, windowBits: 12, allowsFullWindows: false };
    const settings = name === 'fullWindows' ? { ...off, allowsFullWindows: true } : { ...off, contextTakeover: true };
    expect(resolve({ [name]: true }).negotiation?.settings).toEqual(settings);
  });

  it('has one memory for the windows of all threads', () => {
    const { host, negotiation } = resolve(true);
    expect(host.windows).toBe(negotiation?.windows);
    expect(host.windows).toBeDefined();
  });

  it.each([
    ['yes', '"yes"'],
    [1, '1'],
    [[], '[]'],
    [() => {}, 'a function'],
  ])('is refused if it is %s', (deflate, found) => {
    const { option, code, message } = refusal(deflate);
    expect([option, code]).toEqual(['deflate', 'WSLOOM_CONFIG']);
    expect(message).toBe(`deflate must be true, false or an object of options, got ${found}`);
  });

  it.each([
    ['level', 'best', 'must be one of fast, small, got "best"'],
    ['kernel', 'js', 'must be one of auto, wasm, native, got "js"'],
    ['thresholdBytes', -1, 'must be an integer from 0 to 4294967295, got -1'],
    ['thresholdBytes', '1KiB', 'must be an integer from 0 to 4294967295, got "1KiB"'],
    ['windowBits', 8, 'must be an integer from 9 to 15, got 8'],
    ['windowBits', 16, 'must be an integer from 9 to 15, got 16'],
    ['contextTakeover', 'on', 'must be true or false, got "on"'],
    ['fullWindows', 1, 'must be true or false, got 1'],
    ['maxMemoryBytes', 2 ** 20 - 1, 'must be an integer from 1048576 to 1099511627776, got 1048575'],
  ])('is refused if its %s is %j, by its full name', (name, value, what) => {
    const { option, code, message } = refusal({ [name]: value });
    expect([option, code]).toEqual([`deflate.${name}`, 'WSLOOM_CONFIG']);
    expect(message).toBe(`deflate.${name} ${what}`);
  });

  it('is refused if it has a part that there is not, with what may have been meant', () => {
    const { option, message } = refusal({ treshold: 1 });
    expect(option).toBe('deflate.treshold');
    expect(message).toMatch(/^deflate: there is no option 'treshold'; there are contextTakeover, .*windowBits/);
    expect(refusal({ windowBit: 12 }).message).toMatch(/; did you mean windowBits$/);
  });
});
