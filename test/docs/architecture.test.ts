import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ROOT, textOf } from './documents.js';

const document = textOf('docs/architecture.md');

const rooms = readdirSync(`${ROOT}src`, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

describe('docs/architecture.md', () => {
  it('has each room of src/ in its table and in its picture', () => {
    const table = [...document.matchAll(/^\| `(\w+)\/` \|/gm)].map(([, room]) => room);
    const picture = document.slice(document.indexOf('\n## The rooms'), document.indexOf('| room | what it owns'));
    expect(rooms).toContain('protocol');
    expect(rooms.filter((room) => !table.includes(room))).toEqual([]);
    expect(rooms.filter((room) => !picture.includes(`${room}/`))).toEqual([]);
  });

  it('has each package that is needed at run time', () => {
    const { dependencies } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'));
    expect(Object.keys(dependencies).filter((name) => !document.includes(`| [${name}](`))).toEqual([]);
  });
});
