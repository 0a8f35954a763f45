import { describe, expect, it } from 'vitest';
import { changedSince, fingerprints, notSaidBy, readerOf } from '../../../bench/study/fingerprints.js';

const read = readerOf(new URL('../../../', import.meta.url));
const measured = fingerprints(read);

/** The kernels that are others if this file has another text. */
function changedBy(path: string, change: (text: string) => string): string[] {
  const now = fingerprints((one) => {
    const text = read(one);
    return text !== undefined && one === path ? change(text) : text;
  });
  return changedSince(measured, now);
}

const more = (text: string) => `${text}\nexport const changed = 1;\n`;

describe('the fingerprints of kernels', () => {
  it('are the same while nothing changes', () => {
    expect(changedSince(measured, fingerprints(read))).toEqual([]);
    expect(new Set(Object.values(measured)).size).toBe(Object.keys(measured).length);
  });

  it.each([
    ['assembly/utf8.ts', ['wasm', 'many frames in one call']],
    ['assembly/unmask-ascii.ts', ['wasm']],
    ['assembly/scan.ts', ['many frames in one call']],
    ['assembly/inflate-tables.ts', ['compression']],
    ['src/kernels/native-deflater.ts', ['compression']],
    ['src/kernels/wasm-inflater.ts', ['compression']],
    ['src/kernels/shift-automaton.ts', ['js']],
    ['src/kernels/thresholds.ts', ['auto']],
    ['bench/study/bigint-loop.ts', ['candidates of the study']],
    ['bench/study/view-loops.ts', ['candidates of the study']],
    ['bench/study/questions.ts', ['the questions']],
    ['bench/study/framing-loop.ts', ['the measuring of the framing loop']],
    ['bench/study/cross-check.ts', ['the cross-check']],
    ['bench/study/charts.ts', []],
    ['src/protocol/close-payload.ts', ['the server']],
    ['src/connection/hosted-connection.ts', ['the server']],
    ['src/protocol/masked-frame-reader.ts', ['the server', 'the framing loop']],
    ['bench/study/harness.ts', ['the harness']],
    ['bench/study/sentinel.ts', ['the harness']],
    ['bench/study/trial.ts', ['the harness', 'the trial']],
    ['bench/study/workplace.ts', ['the harness', 'the trial']],
    ['src/study/texts.ts', ['the texts']],
    ['src/client/client-connection.ts', []],
  ])('change with the sources: %s', (path, names) => {
    expect(changedBy(path, more)).toEqual(names);
  });

  it('change with a file that several import', () => {
    expect(changedBy('src/kernels/utf8.ts', more)).toEqual(expect.arrayContaining(['js', 'native', 'auto']));
    expect(changedBy('src/kernels/utf8.ts', more)).not.toContain('wasm');
  });

  it('change with what calls WASM', () => {
    expect(changedBy('src/kernels/wasm.ts', more)).toEqual(expect.arrayContaining(['wasm', 'wasm-scalar']));
    expect(changedBy('src/kernels/wasm.ts', more)).not.toContain('js');
  });

  it('change with the build flags, and with the compiler', () => {
    const flags = (text: string) => text.replace('"optimizeLevel": 3', '"optimizeLevel": 2');
    expect(changedBy('asconfig.json', flags)).toEqual([
      'wasm',
      'wasm-scalar',
      'many frames in one call',
      'compression',
    ]);
    const lock = (text: string) =>
      text.replace(/("node_modules\/assemblyscript": \{\s*"version": ")[^"]*/, (_, before) => `${before}0.0.1`);
    expect(changedBy('package-lock.json', lock)).toContain('wasm');
    expect(changedBy('package-lock.json', lock)).not.toContain('js');
    const target = (text: string) => text.replace('"target"', '"a target"');
    expect(changedBy('tsconfig.json', target)).toEqual(
      expect.arrayContaining(['js', 'wasm', 'native', 'compression', 'candidates of the study']),
    );
  });

  it('do not change with comments', () => {
    const comments = (text: string) => `// one\n/** two */\n/*\n three\n * four\n */\n${text}`;
    expect(changedBy('src/kernels/js.ts', comments)).toEqual([]);
    expect(changedBy('assembly/unmask.ts', comments)).toEqual([]);
  });

  it('change with code beside a comment', () => {
    for (const line of ['f(); // one', '/* two */ f();', '/*\n */ f();'])
      expect(changedBy('src/kernels/js.ts', (text) => `${line}\n${text}`)).toContain('js');
  });

  it('of a study that has none say nothing', () => {
    expect(changedSince({}, measured)).toEqual([]);
    expect(notSaidBy({}, measured)).toEqual([]);
  });

  it('that older results do not have are not said, which is not the same as changed', () => {
    const older = { js: 'a', wasm: 'b' };
    const now = { ...older, 'the server': 'c', 'the texts': 'd' };
    expect(changedSince(older, now)).toEqual([]);
    expect(notSaidBy(older, now)).toEqual(['the server', 'the texts']);
    expect(notSaidBy(now, older)).toEqual([]);
  });

  it('are of files that exist', () => {
    const missing: string[] = [];
    fingerprints((path) => {
      const text = read(path);
      if (text === undefined) missing.push(path);
      return text;
    });
    expect(missing).toEqual([]);
  });

  it('say of a kernel that is gone that it has changed', () => {
    expect(changedSince({ gone: '0123' }, measured)).toEqual(['gone']);
  });
});
