import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Command } from '../../cli/command.js';
import { arePeersRequired, pathOf } from '../../e2e/installed.js';
import { deployFile } from './deploy-files.js';

function isInstalled(): boolean {
  if (pathOf('systemd-analyze') !== undefined) return true;
  if (arePeersRequired) throw new Error('systemd-analyze is not installed');
  return false;
}

/** Runs systemd-analyze on the unit, with a folder and a program that there are. */
async function analyze(args: readonly string[], change: (unit: string) => string = (unit) => unit) {
  const folder = mkdtempSync(join(tmpdir(), 'wsloom-unit-'));
  try {
    mkdirSync(join(folder, 'srv'));
    const unit = deployFile('wsloom.service')
      .replace('/usr/bin/node', process.execPath)
      .replace('/srv/chat', join(folder, 'srv'));
    writeFileSync(join(folder, 'chat.service'), change(unit));
    await using command = new Command(pathOf('systemd-analyze') as string, [...args, './chat.service'], {
      cwd: folder,
    });
    const code = await command.ended;
    return { code, said: command.stdout + command.stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe.skipIf(!isInstalled())('systemd-analyze', () => {
  it('takes the unit, and says nothing', async () => {
    expect(await analyze(['verify'])).toEqual({ code: 0, said: '' });
  });

  it('would find a key that there is not, and a program that there is not', async () => {
    const { said } = await analyze(['verify'], (unit) => unit.replace('KillMode=', 'KillMod='));
    expect(said).toMatch(/Unknown key( name)? 'KillMod'/);
    const { code } = await analyze(['verify'], (unit) => unit.replace(process.execPath, '/nowhere/node'));
    expect(code).not.toBe(0);
  });

  it('finds little that the service could do beside its work', async () => {
    // Of 10. What is left is that it uses the network, and may compile.
    const { code, said } = await analyze(['security', '--offline=yes', '--threshold=20', '--no-pager']);
    expect(code, said).toBe(0);
  });
});
