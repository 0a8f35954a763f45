import { describe, expect, it } from 'vitest';
import { machines } from '../../../bench/study/report/machines.js';
import type { EngineResult, Figure, Study } from '../../../bench/study/results.js';
import { engineOf, figureOf, studyOf } from './study.js';

/** Unmasking of 1 KiB: ns of the loop over words and of WASM, and of the loop over bytes if that is given. */
function unmask(js: number | readonly number[], wasm: number, jsByte?: number): Figure[] {
  const bytes = jsByte === undefined ? [] : [figureOf('js-byte', 1024, jsByte)];
  return [figureOf('js', 1024, js), figureOf('wasm', 1024, wasm), ...bytes];
}

const engine = (name: string, figures: readonly Figure[]) => engineOf(figures, { name });

function machine(cpu: string, engines: readonly EngineResult[], more: Partial<Study> = {}): Study {
  return studyOf([], { machine: { ...studyOf([]).machine, cpu }, engines, ...more });
}

const CLAIM = 'WASM with SIMD unmasks 1 KiB in its memory faster than JavaScript';
const BYTES = 'JavaScript unmasks 1 KiB faster than a JavaScript loop over bytes';

/** The sentence about a claim, and the title that it stands under. */
function said(text: string, claim: string): string {
  const sections = text.split(/^(?=(?:On all|Not on all|Not known of all) of them:$)/m);
  const section = sections.find((one) => one.includes(`- ${claim}`)) ?? '';
  const line = section.split('\n').find((one) => one.startsWith(`- ${claim}`)) ?? '';
  return line === '' ? '' : `${section.split('\n')[0]} ${line.slice(2 + claim.length).replace(/^:? /, '')}`;
}

describe('one machine', () => {
  it('says nothing of others: the chapter says how to add one', () => {
    const text = machines([machine('a CPU', [engine('Node 20', unmask(100, 10))])]);
    expect(text).toContain('There is only one machine so far');
    expect(text).toContain('[machines.md](machines.md)');
    expect(text).toContain('npm run study -- --contribute');
    expect(text).not.toContain('of them');
  });
});

describe('three machines', () => {
  const steady = [engine('Node 20', unmask(100, 10)), engine('Node 24', unmask(90, 30))];

  it('on all of which a claim holds have a sentence, which says on how many', () => {
    const text = machines([machine('A', steady), machine('B', steady), machine('C', [steady[0] as EngineResult])]);
    expect(text).toContain('3 machines with 5 engines.');
    expect(said(text, CLAIM)).toBe('On all of them: (5 engines on 3 machines).');
    expect(text).not.toContain('Not on all of them');
  });

  it('on two of which a claim holds have a sentence that names the exceptions', () => {
    const slow = engine('Node 24', unmask(10, 10.1));
    const text = machines([
      machine('A', steady),
      machine('B', [steady[0] as EngineResult, slow]),
      machine('C', steady),
    ]);
    expect(said(text, CLAIM)).toBe('Not on all of them: on 5 of 6 engines, not on machine 2 (Node 24).');
    const both = machines([machine('A', steady), machine('B', [slow]), machine('C', [slow, ...steady.slice(0, 1)])]);
    expect(said(both, CLAIM)).toBe('Not on all of them: on 3 of 5 engines, not on machine 2 and machine 3 (Node 24).');
  });

  it('on none of which a claim holds have a sentence that says so', () => {
    const slow = [engine('Node 20', unmask(10, 20))];
    const text = machines([machine('A', slow), machine('B', slow), machine('C', slow)]);
    expect(said(text, CLAIM)).toBe('Not on all of them: on none of 3 engines.');
    expect(text).not.toMatch(/^On all of them/m);
  });

  it('a difference that means nothing is not faster', () => {
    const alike = machines(
      [1.04, 1.06, 1.06].map((ratio) => machine('A', [engine('Node 20', unmask(ratio * 100, 100))])),
    );
    expect(said(alike, CLAIM)).toBe('Not on all of them: on 2 of 3 engines, not on machine 1.');
  });

  it('of which one engine has no steady figure have a sentence that names it', () => {
    const unsteady = engine('Node 26', unmask([50, 100, 100, 100, 100, 100, 100], 10));
    const text = machines([machine('A', steady), machine('B', [...steady, unsteady]), machine('C', steady)]);
    expect(said(text, CLAIM)).toBe(
      'On all of them: (6 engines on 3 machines; no steady figures on machine 2 (Node 26)).',
    );
  });

  it('of which one says nothing have no sentence that holds on all', () => {
    const withBytes = [engine('Node 20', unmask(100, 10, 400))];
    const text = machines([machine('A', withBytes), machine('B', steady), machine('C', withBytes)]);
    expect(said(text, BYTES)).toBe(
      'Not known of all of them: on all 2 engines that say it, but machine 2 has no steady figures of it.',
    );
    expect(said(machines([machine('A', steady), machine('B', steady)]), BYTES)).toBe('');
  });

  it('are in a table with their engines, figures and crossovers', () => {
    const sizes = [4, 16, 64, 256].flatMap((bytes) => [figureOf('js', bytes, bytes), figureOf('wasm', bytes, 32)]);
    const text = machines([
      machine('A', [engine('Node 20', [...unmask(1024, 40), ...sizes])]),
      machine('B', [engine('Firefox 140', unmask([50, 100, 100, 100, 100, 100, 100], 10))]),
      machine('C', steady),
    ]);
    expect(text).toContain('| machine 1, Node 20 | 1 024 (`js`) | 1 024 | 40.0 | – | – | – | – | 64 B | – | – |');
    expect(text).toContain('| machine 2, Firefox 140 | 100~ (`js`) | 100~ | 10.0 | – | – | – | – | – | – | – |');
    expect(text).toContain('| machine 3, Node 24 | 90.0 (`js`) | 90.0 | 30.0 |');
  });

  it('are named with their processor, and with kernels that are others than on the first', () => {
    const own = { ...studyOf([]).machine, identity: 'family 1', vectors: ['AVX2'], arch: 'x64', isVirtual: true };
    const text = machines([
      machine('A', steady, { fingerprints: { js: 'a', wasm: 'b' } }),
      machine('B', steady, { fingerprints: { js: 'a', wasm: 'c' }, machine: own }),
    ]);
    expect(text).toContain('- Machine 1: A, 2 cores, 4 GiB, Linux 6; 2026-01-02, commit 0123456789\n');
    expect(text).toContain(
      '- Machine 2: a CPU (family 1; AVX2), 2 cores, 4 GiB, x64, virtual, Linux 6; 2026-01-02, commit 0123456789. Its sources of `wasm` are others than on machine 1\n',
    );
  });

  it('of which one does not say all of its sources are not said to have others', () => {
    const all = { js: 'a', 'the server': 'b' };
    for (const [first, second] of [
      [all, { js: 'a' }],
      [{ js: 'a' }, all],
      [{}, all],
    ] as const)
      expect(
        machines([machine('A', steady, { fingerprints: first }), machine('B', steady, { fingerprints: second })]),
      ).not.toContain('are others than on machine 1');
  });
});
