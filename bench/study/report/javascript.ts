import { figure } from '#dist/cli/table.js';
import { ALIKE, type Engine, FASTEST_JS, type FastestJs, Unreported, type Wanted } from '../findings.js';
import { KIB, percent } from './wording.js';

/** How sentences name the JavaScript that something is compared with: the fastest that the engine has measured for a case. */
export function javaScriptOf(engine: Engine, wanted: Omit<Wanted, 'candidate'>, which: FastestJs = FASTEST_JS): string {
  const name = engine.fastestJs(wanted, which);
  return name === 'js' ? 'the JavaScript of this package' : `the fastest JavaScript measured (\`${name}\`)`;
}

/** The compiler of an engine without its version: `V8`. */
export function compilerOf({ result }: Engine): string {
  return result.compiler.replace(/ .*/, '');
}

const NAIVE_LOOPS = ['js-byte', 'js-byte, of a view'];

/**
 * Nanoseconds of the naive loop over bytes for a range: the faster one of that in place and that of a view, because compilers may make a slow loop
 * of one of them. @throws Unreported if neither has a steady figure
 */
export function naiveNs(engine: Engine, bytes: number): number {
  const found = naiveFigures(engine, bytes);
  if (found.length === 0) throw new Unreported(`the naive loop at ${bytes}`);
  return Math.min(...found);
}

/** How far the naive loops are apart, in brackets, where they are. */
export function naiveNote(engine: Engine): string {
  const [inPlace, ofView] = naiveFigures(engine, KIB);
  if (inPlace === undefined || ofView === undefined || Math.max(inPlace / ofView, ofView / inPlace) <= 1 + ALIKE)
    return '';
  const apart = percent(Math.max(inPlace, ofView) / Math.min(inPlace, ofView) - 1);
  return ` (the faster one of two: in place it takes ${figure(inPlace)} ns, and of a view ${figure(ofView)}, so that the slower takes ${apart} longer)`;
}

function naiveFigures(engine: Engine, bytes: number): number[] {
  return NAIVE_LOOPS.flatMap((candidate) => {
    try {
      return engine.ns({ op: 'unmask', candidate, bytes });
    } catch (error) {
      if (error instanceof Unreported) return [];
      throw error;
    }
  });
}
