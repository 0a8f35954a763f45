import { describe, expect, it } from 'vitest';
import { serversOf } from '../../../bench/study/end-to-end.js';
import { comparison, gainsAlone, gainsOf, marksOf, serverFigure, standing } from '../../../bench/study/servers.js';
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
    expect(comparison([js, wasm], wasm)).toEqual({
      metric: 'messages',
      value: 1.5,
      low: 150 / 110,
      high: 165 / 100,
      isSteady: true,
      isDisturbed: false,
    });
  });

  it('is compared by CPU time where the client was the limit', () => {
    const turn = { perSecond: 100, isDisturbed: false };
    const js = { ...serverOf('js', 1), turns: [{ ...turn, microsPerMessage: 10, isClientBound: false }] };
    const wasm = { ...serverOf('wasm', 1), turns: [{ ...turn, microsPerMessage: 5, isClientBound: true }] };
    expect(comparison([js], wasm)?.value).toBe(2);
    expect(comparison([{ ...js, turns: wasm.turns }], { ...wasm, turns: js.turns })?.value).toBe(0.5);
  });

  it('is nothing without js under the same load, with one thread', () => {
    expect(comparison([], serverOf('wasm', 100))).toBeUndefined();
    for (const other of [
      { bytes: 1 },
      { content: 'utf8' },
      { inFlight: 1 },
      { connections: 1 },
      { threads: 2 },
    ] as const)
      expect(comparison([serverOf('js', 1, other)], serverOf('wasm', 100))).toBeUndefined();
  });

  it('is not steady if one of both is not', () => {
    const [steady, unsteady] = [serverOf('js', 100), serverOf('wasm', [200, 100, 100, 100, 100])];
    expect(comparison([steady], unsteady)?.isSteady).toBe(false);
    expect(comparison([{ ...unsteady, kernel: 'js' }], { ...steady, kernel: 'wasm' })?.isSteady).toBe(false);
  });

  /** A server whose turns have these echoes per second and this CPU time. */
  function serverWith(
    kernel: string,
    perSecond: readonly number[],
    micros: readonly number[],
    isClientBound: boolean,
    isDisturbed = false,
  ) {
    const turns = perSecond.map((one, i) => ({
      perSecond: one,
      microsPerMessage: micros[i] as number,
      isClientBound,
      isDisturbed,
    }));
    return { ...serverOf(kernel, 1), turns };
  }
  const [same, apart, slower] = [
    [100, 100, 100],
    [150, 100, 100],
    [1, 2, 2],
  ] as const;

  it('is steady by what is compared: CPU time if the client was the limit', () => {
    const isSteady = (...of: [readonly number[], readonly number[], boolean]) =>
      standing(serverWith('js', ...of)).isSteady;
    expect([isSteady(same, slower, false), isSteady(same, slower, true)]).toEqual([true, false]);
    expect([isSteady(apart, same, false), isSteady(apart, same, true)]).toEqual([false, true]);
  });

  it('is compared, judged and marked by one metric, if the client was the limit of either', () => {
    const js = serverWith('js', same, same, true);
    // Its echoes per second are steady, but CPU time is compared, and that is not.
    const unsteady = serverWith('wasm', same, slower, false);
    expect(comparison([js], unsteady)).toMatchObject({ metric: 'CPU time', isSteady: false });
    expect(gainsOf([js, unsteady], 'wasm')).toEqual([]);
    expect(marksOf(standing(unsteady, js))).toBe('~*');
    const steady = serverWith('wasm', apart, same, false);
    expect(comparison([js], steady)).toMatchObject({ metric: 'CPU time', isSteady: true, value: 1 });
    expect(gainsOf([js, steady], 'wasm')).toHaveLength(1);
    expect(marksOf(standing(steady, js))).toBe('*');
  });

  it('has all marks that it earns', () => {
    const marks = (isClientBound: boolean, isDisturbed: boolean, micros: readonly number[]) =>
      marksOf(standing(serverWith('js', same, micros, isClientBound, isDisturbed)));
    expect([marks(true, true, slower), marks(false, true, same), marks(false, false, same)]).toEqual(['~!*', '!', '']);
    expect(marksOf(standing(serverWith('wasm', same, same, false), serverWith('js', same, same, false, true)))).toBe(
      '!',
    );
  });

  it('is listed by size where unmasking is all that differs: binary messages from 16 KiB on', () => {
    const loads = [{ bytes: 65536 }, { bytes: 16384 }, { bytes: 16383 }, { bytes: 16384, content: 'ascii' }] as const;
    const results = loads.flatMap((load, i) => [serverOf('js', 100, load), serverOf('auto', 400 - 100 * i, load)]);
    expect(gainsAlone(results, 'auto').map(({ value }) => value)).toEqual([3, 4]);
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
