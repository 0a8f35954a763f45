import { expect, it } from 'vitest';
import { agreementOf, type DeflateAgreement, numberOfAgreement } from '../../../dist/protocol/deflate/agreement.js';

it('has a number of its own, other than 0, for which there is one object of the same content', () => {
  const directions = [8, 9, 10, 11, 12, 13, 14, 15].flatMap((windowBits) =>
    [false, true].flatMap((contextTakeover) => [
      { windowBits, contextTakeover },
      { windowBits, contextTakeover, standaloneBits: 15 },
    ]),
  );
  const all: DeflateAgreement[] = directions.flatMap((own) => directions.map((peer) => ({ own, peer })));
  const numbers = all.map(numberOfAgreement);
  expect(new Set(numbers).size).toBe(1024);
  expect(numbers).not.toContain(0);
  expect(numbers.map(agreementOf)).toEqual(all);
  for (const number of numbers) expect(agreementOf(number)).toBe(agreementOf(number));
});
