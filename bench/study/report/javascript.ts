import { type Engine, FASTEST_JS, type FastestJs, type Wanted } from '../findings.js';

/** How sentences name the JavaScript that something is compared with: the fastest that the engine has measured for a case. */
export function javaScriptOf(engine: Engine, wanted: Omit<Wanted, 'candidate'>, which: FastestJs = FASTEST_JS): string {
  const name = engine.fastestJs(wanted, which);
  return name === 'js' ? 'the JavaScript of this package' : `the fastest JavaScript measured (\`${name}\`)`;
}

/** The compiler of an engine without its version: `V8`. */
export function compilerOf({ result }: Engine): string {
  return result.compiler.replace(/ .*/, '');
}
