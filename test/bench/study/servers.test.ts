import { describe, expect, it } from 'vitest';
import { serversOf } from '../../../bench/study/end-to-end.js';
import { gain, gainsOf, serverFigure } from '../../../bench/study/servers.js';
import { serverOf } from './study.js';

describe('what the turns of a server say', () => {
  it('is the lower quartile of the time for a message, with its spread', () => {
    const { perSecond, micros } = serverFigure(serverOf('js', [80, 100, 125, 62.5, 50]));
    expect(perSecond).toEqual({ value: 100, low: 62.5, high: 125 });
    expect(micros).toMatchObject({ value: 10_000, median: 12_500, least: 8000, upper: 16_000 });
  });

  it('is that the client was the limit, or something disturbed, if it was so in most turns', () => {
    const [usual, other] = [serverOf('js', 1), serverOf('js', 1, { isClientBound: true, isDisturbed: true })];
    const mixed = (count: number) => ({
      ...usual,
      turns: [...usual.turns.slice(count), ...other.turns.slice(0, count)],
    });
    expect(serverFigure(mixed(2))).toMatchObject({ isClientBound: false, isDisturbed: false });
    expect(serverFigure(mixed(3))).toMatchObject({ isClientBound: true, isDisturbed: true });
  });
});

describe('what a kernel is worth', () => {
  it('is how much more the server carries than with js, and the widest range that the turns allow', () => {
    const js = serverOf('js', [100, 100, 100, 80, 110]);
    const wasm = serverOf('wasm', [150, 150, 150, 150, 165]);
    expect(gain([js, wasm], wasm)).toEqual({ value: 1.5, low: 150 / 110, high: 165 / 100, isSteady: true });
  });

  it('is compared by CPU time where the client was the limit', () => {
    const turn = { perSecond: 100, isDisturbed: false };
    const js = { ...serverOf('js', 1), turns: [{ ...turn, microsPerMessage: 10, isClientBound: false }] };
    const wasm = { ...serverOf('wasm', 1), turns: [{ ...turn, microsPerMessage: 5, isClientBound: true }] };
    expect(gain([js], wasm)?.value).toBe(2);
    expect(gain([{ ...js, turns: wasm.turns }], { ...wasm, turns: js.turns })?.value).toBe(0.5);
  });

  it('is nothing without js under the same load, with one thread', () => {
    expect(gain([], serverOf('wasm', 100))).toBeUndefined();
    for (const other of [
      { bytes: 1 },
      { content: 'utf8' },
      { inFlight: 1 },
      { connections: 1 },
      { threads: 2 },
    ] as const)
      expect(gain([serverOf('js', 1, other)], serverOf('wasm', 100))).toBeUndefined();
  });

  it('is not steady if one of both is not', () => {
    const [steady, unsteady] = [serverOf('js', 100), serverOf('wasm', [200, 100, 100, 100, 100])];
    expect(gain([steady], unsteady)?.isSteady).toBe(false);
    expect(gain([{ ...unsteady, kernel: 'js' }], { ...steady, kernel: 'wasm' })?.isSteady).toBe(false);
  });

  it('is steady by what is compared: CPU time if the client was the limit', () => {
    const turns = (perSecond: readonly number[], micros: readonly number[], isClientBound: boolean) =>
      serverFigure({
        ...serverOf('js', 1),
        turns: perSecond.map((one, i) => ({
          perSecond: one,
          microsPerMessage: micros[i] as number,
          isClientBound,
          isDisturbed: false,
        })),
      }).isSteady;
    const [same, apart] = [
      [100, 100, 100],
      [150, 100, 100],
    ] as const;
    expect([turns(same, [1, 2, 2], false), turns(same, [1, 2, 2], true)]).toEqual([true, false]);
    expect([turns(apart, same, false), turns(apart, same, true)]).toEqual([false, true]);
  });

  it('is listed in ascending order, of what is steady and undisturbed on both sides, with one thread', () => {
    const results = [
      serverOf('js', 100),
      serverOf('js', 100, { bytes: 20 }),
      serverOf('js', 100, { bytes: 30, isDisturbed: true }),
      serverOf('auto', 700, { bytes: 30 }),
      serverOf('js', [200, 100, 100, 100, 100], { bytes: 40 }),
      serverOf('auto', 600, { bytes: 40 }),
      serverOf('js', 100, { bytes: 50 }),
      serverOf('auto', [600, 500, 500, 500, 500], { bytes: 50 }),
      serverOf('auto', 300),
      serverOf('auto', 200, { bytes: 20 }),
      serverOf('auto', 900, { threads: 2 }),
      serverOf('auto', 800, { isDisturbed: true }),
    ];
    expect(gainsOf(results, 'auto').map(({ value }) => value)).toEqual([2, 3]);
  });
});

describe('the servers of a study', () => {
  it('meet each load once with each kernel, and some with more threads', () => {
    for (const isQuick of [false, true]) {
      const servers = serversOf(isQuick);
      const names = servers.map(({ kernel, threads, bytes, content }) => `${kernel} ${threads} ${bytes} ${content}`);
      expect(new Set(names).size).toBe(names.length);
      expect(servers.filter(({ threads }) => threads > 1).length).toBeGreaterThanOrEqual(4);
      for (const { kind, bytes, content } of servers) expect(kind).toMatchObject({ bytes, content });
    }
  });

  it('with more threads have one with one thread to compare with, of the same kernel', () => {
    const servers = serversOf(false);
    for (const many of servers.filter(({ threads }) => threads > 1))
      expect(
        servers.filter((one) => one.threads === 1 && one.kernel === many.kernel && one.kind.name === many.kind.name),
      ).toHaveLength(1);
  });
});
