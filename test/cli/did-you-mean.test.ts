import { describe, expect, it } from 'vitest';
import { explainMistake, guessForHandler } from '../../dist/cli/did-you-mean.js';

const HANDLERS = ['echo', 'broadcast'];

const unknown = (args: readonly string[], message = `error: unknown command '${args[0]}'`) =>
  explainMistake(message, args, {
    commands: ['serve', 'load', 'kernels', 'help'],
    handlers: HANDLERS,
    serveFlags: ['--port', '--host'],
  });

describe('a wrong command line', () => {
  it.each([
    [['./chat.mjs'], 'wsloom serve ./chat.mjs'],
    [['chat.ts', '--port', '0'], 'wsloom serve chat.ts --port 0'],
    [['my chat.cjs'], "wsloom serve 'my chat.cjs'"],
    [["it's.js"], "wsloom serve 'it'\\''s.js'"],
    [['echo'], 'wsloom serve echo'],
    [['package.json'], 'wsloom serve package.json'],
    [['ws://a/?b=c', '-c', '1'], "wsloom load 'ws://a/?b=c' -c 1"],
    [['WSS://a'], 'wsloom load WSS://a'],
  ])('%j was probably meant to be', (args, meant) => {
    expect(unknown(args)).toBe(`unknown command '${args[0]}'; did you mean: ${meant}`);
  });

  it('may lack the command that its options belong to', () => {
    const message = "error: unknown option '--port'";
    expect(unknown(['--port', '0', 'echo'], message)).toBe(
      "unknown option '--port'; did you mean: wsloom serve --port 0 echo",
    );
    expect(unknown(['load', '--port'], message)).toBe("unknown option '--port'");
    expect(unknown(['--frob'], "error: unknown option '--frob'")).toBe("unknown option '--frob'");
  });

  it('is answered in one line, also with a suggestion of the parser', () => {
    expect(unknown(['serv'], "error: unknown command 'serv'\n(Did you mean serve?)")).toBe(
      "unknown command 'serv'; did you mean: serve",
    );
  });

  it('gets no suggestion if there is nothing to base it on', () => {
    expect(unknown(['chat'])).toBe("unknown command 'chat'");
    expect(unknown(['x'], "error: missing required argument 'url'\n")).toBe("missing required argument 'url'");
  });

  it('may name a server where a handler is needed', () => {
    expect(guessForHandler('ws://a/', HANDLERS)).toBe('wsloom load ws://a/');
    expect(guessForHandler('chat', HANDLERS)).toBeUndefined();
  });

  it.each([
    ['Echo', 'wsloom serve echo'],
    ['brodcast', 'wsloom serve broadcast'],
  ])('may have a handler that is written wrong: %s', (handler, meant) => {
    expect(guessForHandler(handler, HANDLERS)).toBe(meant);
  });

  it('may ask for the help of a command that is misspelt or does not exist', () => {
    expect(unknown(['help', 'laod'], "error: unknown command 'laod'")).toBe(
      "unknown command 'laod'; did you mean: wsloom help load",
    );
    expect(unknown(['help', 'nix'], "error: unknown command 'nix'")).toBe("unknown command 'nix'");
  });
});
