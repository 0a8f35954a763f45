import { expect, it } from 'vitest';
import {
  agreementOf,
  type DeflateAgreement,
  type DeflateDirection,
  numberOfAgreement,
} from '../../../dist/protocol/deflate/agreement.js';

it('has a number of its own, other than 0, for which there is one object of the same content', () => {
  const directions: DeflateDirection[] = [8, 9, 10, 11, 12, 13, 14, 15].flatMap((windowBits) =>
    [false, true].map((contextTakeover) => ({ windowBits, contextTakeover })),
  );
  const untold = directions.flatMap((own) => [14, 15].map((standaloneBits) => ({ ...own, standaloneBits })));
  const all: DeflateAgreement[] = [...directions, ...untold].flatMap((own) =>
    directions.map((peer) => ({ own, peer })),
  );
  const numbers = all.map(numberOfAgreement);
  expect(new Set(numbers).size).toBe(all.length);
  expect(numbers).not.toContain(0);
  expect(numbers.map(agreementOf)).toEqual(all);
  for (const number of numbers) expect(agreementOf(number)).toBe(agreementOf(number));
});
