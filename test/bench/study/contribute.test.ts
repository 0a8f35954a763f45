import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../../bench/settings.js';
import {
  contribute,
  fileNameOf,
  freeFile,
  instructions,
  privateHere,
  refuseToOverwrite,
  withoutPrivate,
  writeForOthers,
} from '../../../bench/study/contribute.js';
import { deserialize, type Study } from '../../../bench/study/results.js';
import { engineOf, figureOf, wholeStudy } from './study.js';

const FOLDER = mkdtempSync(join(tmpdir(), 'contribute-'));
afterAll(() => rmSync(FOLDER, { recursive: true }));

const machineOf = (more: Partial<Study['machine']>) => wholeStudy({ machine: { ...wholeStudy().machine, ...more } });

describe('the name of the file', () => {
  it('is made of the processor, the system and the day', () => {
    expect(fileNameOf(machineOf({ cpu: 'Intel(R) Xeon(R) CPU E5-2650 @ 2.20GHz' }))).toBe(
      'intel-xeon-cpu-e5-2650-2-20ghz-linux-x64-2026-01-02',
    );
    expect(fileNameOf(machineOf({ cpu: 'Apple M1', platform: 'darwin', arch: 'arm64' }))).toBe(
      'apple-m1-darwin-arm64-2026-01-02',
    );
  });

  it('has the numbers of a processor that has no name', () => {
    const identity = 'implementer 0x41, part 0xd0c';
    expect(fileNameOf(machineOf({ cpu: 'unknown', identity, arch: 'arm64' }))).toBe(
      'implementer-0x41-part-0xd0c-linux-arm64-2026-01-02',
    );
  });

  it('is safe, whatever the machine says', () => {
    for (const cpu of ['../../etc/passwd', '/', '', 'a\0b', 'x'.repeat(1000), '鞋', 'con', '.'])
      expect(fileNameOf(machineOf({ cpu, platform: '../..', arch: 'C:\\' }))).toMatch(/^[a-z0-9][a-z0-9-]{0,99}$/);
  });

  it('is one that is not there yet', () => {
    const folder = pathToFileURL(`${FOLDER}/`);
    const first = freeFile(wholeStudy(), folder);
    expect(first).toBe(join(FOLDER, 'a-cpu-linux-x64-2026-01-02.json'));
    writeFileSync(first, '');
    expect(freeFile(wholeStudy(), folder)).toBe(join(FOLDER, 'a-cpu-linux-x64-2026-01-02-2.json'));
  });
});

describe('what is private', () => {
  const own = { folders: ['/home/joe doe/wsloom', '/home/joe doe', '/'], names: ['joe', 'joes-laptop.local'] };
  const failureOf = (failure: string) => withoutPrivate(wholeStudy({ failures: [failure] }), own).failures[0];

  it.each([
    ['no load generator: ENOENT /home/joe doe/wsloom/x y/z', 'no load generator: ENOENT … …'],
    ['it ended: C:\\Users\\joe\\a.js', 'it ended: …'],
    ["cannot open '/srv/secret.txt' for joe", 'cannot open … for …'],
    ['see file:///srv/secret, and https://intern.example/a', 'see … and …'],
    ['joe@joes-laptop.local said no', '…@… said no'],
    ['Joe, joey', '…, joey'],
    ['bench/engines/node_modules/node-24/bin/node: it ended with 1', '…/node_modules/node-24/bin/node it ended with 1'],
    ['first line\n    at second (/srv/line)', 'first line'],
    ['a\u202eb\u0007', 'a\ufffdb\ufffd'],
    ['Node 20: it is not there: there are packages of it for Linux on x64', undefined],
  ])('is cut out of %j', (failure, left = failure) => {
    expect(failureOf(failure)).toBe(left);
  });

  it('is not in what is left of a long text', () => {
    expect(failureOf('x'.repeat(1000))).toBe(`${'x'.repeat(159)}…`);
  });

  it('is not in the version of the system', () => {
    const kernelOf = (kernel: string) => withoutPrivate(machineOf({ kernel }), own).machine.kernel;
    expect(kernelOf('Linux 6.18.44-joes-laptop')).toBe('Linux 6.18.44');
    expect(kernelOf('Windows_NT 10.0.1')).toBe('Windows_NT 10.0.1');
    expect(kernelOf('<b>')).toBe('unknown');
  });

  it('are the folders, the user and the host of this process', () => {
    const { folders, names } = privateHere();
    expect(folders).toContain(process.cwd());
    expect(names).toEqual([hostname(), userInfo().username]);
  });

  it('is all that is changed', () => {
    expect(withoutPrivate(wholeStudy(), own)).toEqual(wholeStudy());
  });
});

describe('the contribution', () => {
  const own = { folders: [], names: [] };

  it('is one file that is read as it was measured', () => {
    const file = join(FOLDER, 'new', 'good.json');
    expect(contribute(wholeStudy(), file, own)).toEqual({ file });
    expect(deserialize(readFileSync(file, 'utf8'))).toEqual(wholeStudy());
  });

  it('is not fit if the gate finds a fault, and is written nevertheless', () => {
    const figures = [figureOf('js', 64, 200), figureOf('js', 128, 100)];
    const file = join(FOLDER, 'faulty.json');
    const written = contribute(wholeStudy({ engines: [engineOf(figures)] }), file, own);
    expect(written).toMatchObject({
      file,
      unfit: expect.stringContaining('more bytes do not take less time') as string,
    });
    expect(existsSync(file)).toBe(true);
    expect(instructions('faulty.json', written)[0]).toContain(
      'faulty.json, which is not fit to be contributed: its figures',
    );
  });

  it('is not fit if it is one that the report would refuse', () => {
    const file = join(FOLDER, 'quick.json');
    expect(contribute(wholeStudy({ isQuick: true }), file, own).unfit).toContain('isQuick must be false');
  });

  it('goes to a file of its own among those of machines; one that is not fit goes elsewhere, each time', () => {
    const places = {
      machines: pathToFileURL(`${FOLDER}/machines/`),
      unfit: pathToFileURL(join(FOLDER, 'latest.json')),
    };
    const fileOf = (study: Study) => contribute(study, undefined, own, places).file;
    const name = 'a-cpu-linux-x64-2026-01-02';
    expect(fileOf(wholeStudy())).toBe(join(FOLDER, 'machines', `${name}.json`));
    expect(fileOf(wholeStudy())).toBe(join(FOLDER, 'machines', `${name}-2.json`));
    for (let i = 0; i < 2; i++) expect(fileOf(wholeStudy({ isQuick: true }))).toBe(join(FOLDER, 'latest.json'));
    expect(readdirSync(places.machines)).toEqual([`${name}-2.json`, `${name}.json`]);
  });

  it('overwrites nothing, and says so before anything is measured', () => {
    const file = join(FOLDER, 'there.json');
    refuseToOverwrite(file);
    refuseToOverwrite(undefined);
    writeFileSync(file, 'mine');
    expect(() => refuseToOverwrite(file)).toThrow(
      new UsageError(`--contribute does not overwrite a file, and ${file} is there`),
    );
    expect(() => contribute(wholeStudy(), file, own)).toThrow('EEXIST');
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });

  it('is told, and whether it is fit', () => {
    const quick = join(FOLDER, 'told-quick.json');
    expect(writeForOthers(wholeStudy({ isQuick: true }), quick)).toMatchObject({ isFit: false });
    const { lines, isFit } = writeForOthers(wholeStudy(), join(FOLDER, 'told.json'));
    expect(isFit).toBe(true);
    expect(lines[0]).toContain('told.json: open a pull request');
  });

  it('comes with two lines that say what to do with it, and what is in it', () => {
    const lines = instructions('a.json', { file: 'a.json' });
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain('written to a.json: open a pull request that adds this file');
    expect(lines[1]).toContain('no name of host or user, no path');
  });
});
