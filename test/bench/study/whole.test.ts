import { describe, expect, it } from 'vitest';
import { nameOf } from '../../../bench/study/case.js';
import type { Measured } from '../../../bench/study/check.js';
import type { EngineRound } from '../../../bench/study/join.js';
import { planOf } from '../../../bench/study/plan.js';
import type { EndToEndResult, Study } from '../../../bench/study/results.js';
import { type Instruments, runStudy, type StudiedEngine } from '../../../bench/study/whole.js';
import { keyOf, serverOf, studyOf } from './study.js';

const ROUNDS = planOf(false).kernelRounds;
const CASES = [
  ...['js', 'wasm'].flatMap((candidate) => [64, 128, 256, 512, 1024].map((bytes) => keyOf(candidate, bytes))),
  keyOf('js', 1024, { pattern: 'cold' }),
  keyOf('js', 1024, { op: 'validate', content: 'json', pattern: 'many' }),
];

/** What a made-up engine measures. */
interface MadeUp {
  readonly ns: (bytes: number, round: number) => number;
  readonly sentinel: (round: number) => readonly number[];
  readonly crossCheck: () => Promise<Measured>;
}

/** Twice as many bytes take twice as long, and the second program finds the same by one of its callers. */
const RIGHT: MadeUp = {
  ns: (bytes) => bytes,
  sentinel: () => [200_000, 200_000],
  crossCheck: async () => Object.fromEntries(CASES.map((key) => [nameOf(key), [3 * key.bytes, key.bytes]])),
};

/** An engine, and the rounds that it was asked for. */
interface Engine extends StudiedEngine {
  readonly rounds: number[];
}

function engineOf(name = 'Node 20', version = 'v20.1.2', more: Partial<MadeUp> = {}): Engine {
  const { ns, sentinel, crossCheck } = { ...RIGHT, ...more };
  const rounds: number[] = [];
  return {
    name,
    isBrowser: false,
    rounds,
    async measure(round): Promise<EngineRound> {
      rounds.push(round);
      const attempts = CASES.map((key) => ({ ...key, ns: ns(key.bytes, round) }));
      return { name, version, compiler: 'V8', attempts, sentinel: sentinel(round), answers: [], clockStepMs: 0.001 };
    },
    crossCheck,
  };
}

/** An engine that cannot be the main one. */
function browserOf(name: string): Engine {
  const { crossCheck: _, ...others } = engineOf(name, '140.0');
  return { ...others, isBrowser: true };
}

interface Run {
  readonly exitCode: number;
  readonly lines: readonly string[];
  readonly study: Study;
}

async function run(
  engines: readonly StudiedEngine[],
  more: Partial<Instruments> & { readonly endToEnd?: readonly EndToEndResult[]; readonly isQuick?: boolean } = {},
): Promise<Run> {
  const lines: string[] = [];
  let written: Study | undefined;
  const { endToEnd = [serverOf('js', 100), serverOf('js', 90, { content: 'utf8' })], isQuick = false } = more;
  const { commit, machine, cacheBytes, fingerprints, modules } = studyOf([]);
  const exitCode = await runStudy(
    { isQuick, hasServers: true },
    {
      prepare: () => engines,
      servers: async () => ({ endToEnd, memory: [] }),
      about: () => ({ commit, machine, cacheBytes, fingerprints, modules }),
      write(study) {
        written = study;
        return { lines: ['written to a file'], isFit: true };
      },
      say: (line) => lines.push(line),
      ...more,
    },
  );
  return { exitCode, lines, study: written as Study };
}

const wrongLines = ({ lines }: Run) => lines.filter((line) => line.startsWith('WRONG'));

describe('a whole run', () => {
  it('that measures everything, and right, ends with 0', async () => {
    const ended = await run([engineOf(), engineOf('Node 24', 'v24.1.2')]);
    expect(ended.lines.filter((line) => /WRONG|FAILED/.test(line))).toEqual([]);
    expect(ended.exitCode).toBe(0);
    expect(ended.study.failures).toEqual([]);
    expect(ended.study.engines.map(({ name, rounds }) => [name, rounds])).toEqual([
      ['Node 20', ROUNDS],
      ['Node 24', ROUNDS],
    ]);
    expect(ended.lines).toContain('written to a file');
  });

  it('lets the engines take turns, so that the attempts of a case are far apart', async () => {
    const turns: string[] = [];
    const noting = (name: string): StudiedEngine => {
      const engine = engineOf(name, name);
      return {
        ...engine,
        measure(round) {
          turns.push(`${name} ${round}`);
          return engine.measure(round);
        },
      };
    };
    await run([noting('a'), noting('b')]);
    expect(turns.slice(0, 5)).toEqual(['a 0', 'b 0', 'a 1', 'b 1', 'a 2']);
    expect(turns).toHaveLength(2 * ROUNDS);
  });

  it('that is quick has fewer rounds, and ends with 0 as well', async () => {
    const ended = await run([engineOf()], { isQuick: true });
    expect(ended.exitCode).toBe(0);
    expect(ended.study.isQuick).toBe(true);
    expect(ended.study.engines[0]?.rounds).toBe(planOf(true).kernelRounds);
  });

  it('is about the newest Node, on which the servers run, whichever engine comes first', async () => {
    const programs: (string | undefined)[] = [];
    const nodes = [
      engineOf('Node 9', 'v9.11.0'),
      { ...engineOf('Node 24', 'v24.10.2'), program: 'node-24' },
      engineOf(),
    ];
    const ended = await run([browserOf('Firefox 140'), ...nodes], {
      servers: async (_, program) => {
        programs.push(program);
        return { endToEnd: [], memory: [] };
      },
    });
    expect(ended.exitCode).toBe(0);
    expect(ended.study.mainNode).toBe('v24.10.2');
    expect(programs).toEqual(['node-24']);
  });

  it('checks the newest Node and the oldest by the second program', async () => {
    const twice: Partial<MadeUp> = {
      ns: (bytes) => 2 * bytes,
      crossCheck: async () => Object.fromEntries(CASES.map((key) => [nameOf(key), [2 * key.bytes, 3 * key.bytes]])),
    };
    const not: Partial<MadeUp> = { crossCheck: () => Promise.reject(new Error('asked')) };
    const between = engineOf('Node 22', 'v22.1.2', not);
    const ended = await run([browserOf('Firefox 140'), engineOf(), between, engineOf('Node 24', 'v24.1.2', twice)]);
    expect(ended.exitCode).toBe(0);
    expect(ended.study.checks).toHaveLength(2 * CASES.length);
    const name = 'unmask js any 64 6 hot';
    expect(ended.study.checks.filter((check) => check.name === name)).toEqual([
      { engine: 'Node 24', name, own: 128, slower: 192, ns: 128 },
      { engine: 'Node 20', name, own: 64, slower: 192, ns: 64 },
    ]);
  });

  it('measures the framing loop in every round, on the newest Node', async () => {
    const key = { kernel: 'js', content: 'binary', bytes: 20 } as const;
    let round = 0;
    const measureLoop = async () => [{ ...key, ns: ++round }];
    const other = { ...engineOf('Node 18', 'v18.1.2'), measureLoop: () => Promise.reject(new Error('asked')) };
    const ended = await run([other, { ...engineOf(), measureLoop }]);
    expect(ended.exitCode).toBe(0);
    expect(ended.study.loop).toEqual([{ ...key, attempts: Array.from({ length: ROUNDS }, (_, i) => i + 1) }]);
  });
});

describe('a whole run ends with 1, and says why, if', () => {
  it.each<[string, Engine, string]>([
    [
      'more bytes take less time',
      engineOf('Node 20', 'v20.1.2', { ns: (bytes) => (bytes === 256 ? 900 : bytes) }),
      'Node 20: unmask js any 512 6 hot takes 512 ns, and 256 bytes take 900: more bytes do not take less time',
    ],
    [
      'the sentinel has not run in every round',
      engineOf('Node 20', 'v20.1.2', { sentinel: (round) => (round === 3 ? [] : [200_000]) }),
      'Node 20: the sentinel has not run in every round',
    ],
    [
      'the sentinel was slower in most rounds',
      engineOf('Node 20', 'v20.1.2', { sentinel: (round) => [round === 0 ? 100_000 : 200_000] }),
      'Node 20: the machine was not quiet: the sentinel took 200.0 µs in the middle round and 100.0 µs in the fastest',
    ],
    [
      'an attempt took no time',
      engineOf('Node 20', 'v20.1.2', { ns: (bytes, round) => (bytes === 64 && round === 2 ? 0 : bytes) }),
      'Node 20: unmask js any 64 6 hot has an attempt of 0 ns',
    ],
    [
      'the second program finds something else',
      engineOf('Node 20', 'v20.1.2', {
        crossCheck: async () => ({ ...(await RIGHT.crossCheck()), [nameOf(keyOf('js', 64))]: [80, 90] }),
      }),
      'the cross-check has 80 ns for unmask js any 64 6 hot on Node 20, and the study 64',
    ],
    [
      'the second program prints too little',
      engineOf('Node 20', 'v20.1.2', { crossCheck: async () => ({}) }),
      'the cross-check has 0 figures, and a study has at least 10',
    ],
  ])('%s', async (_, engine, fault) => {
    const ended = await run([engine]);
    expect(ended.exitCode).toBe(1);
    expect(wrongLines(ended)).toContain(`WRONG ${fault}`);
    expect(ended.study.engines).toHaveLength(1); // written all the same: the report marks what is wrong
  });

  it('a server takes more CPU time for binary messages than for the same as text', async () => {
    const ended = await run([engineOf()], { endToEnd: [serverOf('js', 80), serverOf('js', 100, { content: 'utf8' })] });
    expect(ended.exitCode).toBe(1);
    expect(wrongLines(ended)).toEqual([expect.stringContaining('takes more CPU time than utf8')]);
  });

  it('the servers had too few rounds', async () => {
    const ended = await run([engineOf()], { endToEnd: [serverOf('js', [100, 100])] });
    expect(ended.exitCode).toBe(1);
    expect(wrongLines(ended)).toEqual([expect.stringContaining('2 rounds, and a study has at least 5')]);
  });

  it('an engine fails in some round: it takes no more part, and the others do', async () => {
    const failing = engineOf('Node 24', 'v24.1.2');
    const measure = async (round: number) => {
      if (round === 2) throw new Error('a verdict is wrong');
      return failing.measure(round);
    };
    const ended = await run([engineOf(), { ...failing, measure }]);
    expect(ended.exitCode).toBe(1);
    expect(ended.study.failures).toEqual(['Node 24: a verdict is wrong']);
    expect(ended.lines).toContain('FAILED Node 24: a verdict is wrong');
    expect(failing.rounds).toEqual([0, 1]);
    expect(ended.study.engines.map(({ rounds }) => rounds)).toEqual([ROUNDS, 2]);
    expect(wrongLines(ended)).toEqual([`WRONG Node 24: 2 rounds, and a study has at least ${ROUNDS}`]);
  });

  it.each<[string, Partial<Instruments>]>([
    [
      'an engine: it is not there',
      {
        prepare: (fail) => {
          fail('an engine', 'it is not there');
          return [engineOf()];
        },
      },
    ],
    [
      'a server: it did not start',
      {
        servers: async (_, __, fail) => {
          fail('a server', new Error('it did not start'));
          return { endToEnd: [], memory: [] };
        },
      },
    ],
    [
      'the servers: there is no compiler',
      {
        servers: async () => {
          throw new Error('there is no compiler');
        },
      },
    ],
  ])('a part cannot be measured (%s), though the others are right', async (failure, instruments) => {
    const ended = await run([engineOf()], instruments);
    expect(ended.exitCode).toBe(1);
    expect(ended.study.failures).toEqual([failure]);
    expect(ended.lines).toContain(`FAILED ${failure}`);
    expect(wrongLines(ended)).toEqual([]);
    expect(ended.study.engines).toHaveLength(1);
  });

  it('the second program, or the counting, fails', async () => {
    const fails = (what: string) => () => {
      throw new Error(what);
    };
    const ended = await run([{ ...engineOf(), crossCheck: fails('wrong'), count: fails('no perf') }]);
    expect(ended.exitCode).toBe(1);
    expect(ended.study.failures).toEqual(['instructions and cycles: no perf', 'the cross-check on Node 20: wrong']);
  });

  it('nothing was measured that the second program runs on', async () => {
    for (const engines of [[], [browserOf('Firefox 140')]]) {
      const ended = await run(engines);
      expect(ended.exitCode).toBe(1);
      expect(ended.study.failures).toEqual(['the cross-check: no engine that it runs on was measured']);
    }
  });
});

it('a run whose file is of no use for what it is for ends with 1, and says why', async () => {
  const ended = await run([engineOf()], { write: () => ({ lines: ['not fit'], isFit: false }) });
  expect([ended.exitCode, ended.lines.includes('not fit')]).toEqual([1, true]);
});

it('a whole run without servers does not start any', async () => {
  const servers = () => Promise.reject(new Error('started'));
  const { commit, machine, cacheBytes, fingerprints, modules } = studyOf([]);
  const lines: string[] = [];
  const exitCode = await runStudy(
    { isQuick: false, hasServers: false },
    {
      prepare: () => [engineOf()],
      servers,
      about: () => ({ commit, machine, cacheBytes, fingerprints, modules }),
      write: () => ({ lines: [], isFit: true }),
      say: (line) => lines.push(line),
    },
  );
  expect([exitCode, lines.filter((line) => line.includes('FAILED'))]).toEqual([0, []]);
});
