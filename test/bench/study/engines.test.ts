import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describe as describeBrowser } from '../../../bench/study/browser-engine.js';
import { CHROMIUM, FIREFOX } from '../../../bench/browsers.js';
import { ENGINES, engines } from '../../../bench/study/engines.js';
import { ownEngine } from '../../../bench/study/own-engine.js';

function withPath<Result>(path: string, run: () => Result): Result {
  const known = Reflect.get(process.env, 'PATH');
  try {
    Reflect.set(process.env, 'PATH', path);
    return run();
  } finally {
    Reflect.set(process.env, 'PATH', known);
  }
}

describe('the engines', () => {
  it('have this version of Node among them, wherever the study runs', () => {
    const own = `node-${process.versions.node.split('.')[0]}`;
    const { found, missing } = engines(ENGINES.filter((name) => name === own));
    expect(found).toHaveLength(1);
    expect(found[0]).not.toHaveProperty('browser');
    expect(missing).toEqual([]);
  });

  it('are browsers where they are installed, and otherwise missing with what to install', () => {
    const folder = mkdtempSync(join(tmpdir(), 'wsloom-engines-'));
    try {
      const program = join(folder, 'firefox-esr');
      writeFileSync(program, '#!/bin/sh\n');
      chmodSync(program, 0o755);
      expect(withPath(folder, () => engines(['firefox', 'chromium']))).toEqual({
        found: [{ name: 'firefox', program, browser: FIREFOX }],
        missing: [['chromium', 'it is not there: install chromium, as Debian has it']],
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the name of an engine', () => {
  it('is that of Node and its version', () => {
    expect(ownEngine('v24.1.2', { node: '24.1.2', v8: '13.6.1' })).toEqual({
      name: 'Node 24',
      version: 'v24.1.2',
      compiler: 'V8 13.6.1',
    });
  });

  it('is that of Bun, though it says the versions of Node and V8 that it imitates', () => {
    const versions = { node: '26.3.0', v8: '14.6', bun: '1.4.5', webkit: 'd6375c72affe0f70222c' };
    expect(ownEngine('v26.3.0', versions)).toEqual({
      name: 'Bun 1.4',
      version: '1.4.5',
      compiler: 'JavaScriptCore d6375c72af',
    });
  });

  it('is that of a browser, whose version says that of its compiler', () => {
    expect(describeBrowser(CHROMIUM, '156.0.8078.108')).toEqual({ name: 'Chromium 156', compiler: 'V8 15.6' });
    expect(describeBrowser(CHROMIUM, '160.0.1.2').compiler).toBe('V8 16.0');
    expect(describeBrowser(FIREFOX, '153.8.0')).toEqual({ name: 'Firefox 153', compiler: 'SpiderMonkey 153' });
  });
});
