import { beforeEach, describe, expect, it } from 'vitest';
import { type PoolMember, SurplusPool } from '../../dist/opening/surplus-pool.js';

interface Named extends PoolMember {
  readonly name: string;
  hasRequest: boolean;
}

let pool: SurplusPool<Named>;

/** Of its network, which is its first letter. */
function enter(name: string, hasRequest = false): Named {
  const connection = { name, network: name.charAt(0), hasRequest };
  expect(pool.enter(connection)).toBe(true);
  return connection;
}

const candidate = (network: string) => pool.candidateFor(network)?.name;

beforeEach(() => {
  pool = new SurplusPool(6, 3);
});

describe('who has to leave a full pool', () => {
  it('is the oldest of the network itself, if that has as many as it may', () => {
    for (const name of ['b1', 'a1', 'a2', 'a3']) enter(name, name === 'a1');
    expect(pool.enter({ name: 'a4', network: 'a', hasRequest: true })).toBe(false);
    expect(candidate('a')).toBe('a2');
  });

  it('is the oldest of that network that has most', () => {
    for (const name of ['a1', 'b1', 'c1', 'b2', 'a2', 'b3']) enter(name);
    expect(pool.enter({ name: 'd1', network: 'd', hasRequest: false })).toBe(false);
    expect([candidate('d'), candidate('a'), candidate('c')]).toEqual(['b1', 'b1', 'b1']);
  });

  it('is nobody of another network that has no more than its own', () => {
    for (const name of ['a1', 'b1', 'c1', 'c2', 'b2', 'a2']) enter(name);
    expect([candidate('a'), candidate('b'), candidate('c')]).toEqual(['a1', 'b1', 'c1']);
    expect(candidate('d')).toBe('a1');
  });

  it('is the oldest of all, if everybody of the network that has most has asked for something', () => {
    for (const name of ['a1', 'b1', 'b2', 'b3', 'c1', 'c2']) enter(name, name.startsWith('b'));
    expect([candidate('d'), candidate('c')]).toEqual(['a1', 'a1']);
  });

  it('is nobody, if all have asked for something', () => {
    const all = ['a1', 'a2', 'a3', 'b1', 'b2', 'b3'].map((name) => enter(name, true));
    expect([candidate('a'), candidate('c')]).toEqual([undefined, undefined]);
    pool.leave(all[0] as Named);
    pool.leave(all[0] as Named);
    enter('c1');
    expect(pool.enter({ name: 'd1', network: 'd', hasRequest: false })).toBe(false);
    expect(candidate('d')).toBe('c1');
  });

  it('is nobody among clients without an address before the pool itself is full', () => {
    for (let i = 0; i < 6; i++) expect(pool.enter({ name: `x${i}`, network: '', hasRequest: false })).toBe(true);
    expect(pool.enter({ name: 'x6', network: '', hasRequest: false })).toBe(false);
    expect([candidate(''), candidate('a')]).toEqual(['x0', 'x0']);
  });
});
