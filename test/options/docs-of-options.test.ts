import { describe, expect, it } from 'vitest';
import { CLIENT_ROWS } from '../../dist/client/client-options.js';
import { CLIENT_DEFLATE_ROWS } from '../../dist/client/deflate-options.js';
import { LOAD_ROWS } from '../../dist/load/load-rows.js';
import type { OptionRows } from '../../dist/options/define.js';
import { defaultInWords, rangeInWords } from '../../dist/options/in-words.js';
import { LISTEN_ROWS } from '../../dist/primary/listen-options.js';
import { CLOSE_ROWS } from '../../dist/primary/method-options.js';
import { SERVER_DEFLATE_ROWS } from '../../dist/primary/deflate-options.js';
import { SERVER_ROWS } from '../../dist/primary/option-rows.js';
import { type DocumentedMember, membersOf } from '../docs-of-members.js';

const clientMembers = [
  ...membersOf('client/client-options.ts', 'ClientOptions'),
  ...membersOf('client/client-hooks.ts', 'ConnectionHooks'),
  ...membersOf('client/handshake.ts', 'HandshakeOffer'),
];
const deflateMembers = [
  ...membersOf('compression/deflate-options.ts', 'DeflateOptions'),
  ...membersOf('primary/deflate-options.ts', 'ServerDeflateOptions'),
];
const loadMembers = [
  ...membersOf('load/load-options.ts', 'LoadOptions'),
  ...membersOf('client/handshake.ts', 'HandshakeOffer'),
];

describe.each<[string, OptionRows, readonly DocumentedMember[]]>([
  ['a server', SERVER_ROWS, membersOf('primary/server-options.ts', 'ServerOptions')],
  ['the compression of a server', SERVER_DEFLATE_ROWS, deflateMembers],
  ['a client', CLIENT_ROWS, clientMembers],
  ['compression of a client', CLIENT_DEFLATE_ROWS, membersOf('client/deflate-options.ts', 'ClientDeflateOptions')],
  ['a load', LOAD_ROWS, loadMembers],
])('the options of %s, as the types document them', (_, rows, members) => {
  it('are those of the rows', () => {
    expect(members.map(({ name }) => name).sort()).toEqual(Object.keys(rows).sort());
  });

  it.each(members.map((member) => [member.name, member] as const))(
    '%s has its default and its range',
    (name, member) => {
      const row = rows[name];
      if (row === undefined) throw new Error(`${name} has no row`);
      expect(member.doc).toMatch(/^\S.*\.$/);
      const byDefault = defaultInWords(row);
      // In the type, a path is a string and stands in quotes.
      if (byDefault !== undefined) expect([byDefault, `'${byDefault}'`]).toContain(member.tags.get('default'));
      const range = rangeInWords(row);
      if (range !== undefined) expect(member.doc).toContain(`From ${range}.`);
    },
  );
});

it('the options of listen and close have the defaults that their docs name', () => {
  expect([LISTEN_ROWS.port, LISTEN_ROWS.host, CLOSE_ROWS.drainMs].map(defaultInWords)).toEqual([
    '8 080',
    '127.0.0.1',
    '5 s',
  ]);
});
