import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { COMPILED } from './paths.js';

/**
 * How many different messages a load sends: whoever compresses the same one again and again is measured with caches, and predictions
 * of branches, that fit just this message.
 */
export const MESSAGE_COUNT = 512;

const WORDS = (
  'about after again all and any are because been before but can come could day did down each even first for from get give go good ' +
  'great had has have her here him his how if in into is it its just know like little long look made make man many may me more most ' +
  'must my never no not now of on only or other our out over people said see she should so some such take than that the their them'
).split(' ');
const NAMES =
  'Ada Amir Anna Chidi Elena Farid Grace Hana Ivan Jonas Kofi Lena Mei Nadia Omar Paula Rosa Sven Tariq Yuki'.split(
    ' ',
  );
const STATES = ['new', 'paid', 'packed', 'shipped', 'delivered', 'returned'];

/**
 * JSON texts of exactly so many bytes each, all of them different, all ASCII: lists of orders as an application sends them. The same
 * seed makes the same texts. zlib makes them about as small as the JSON of applications: see test/bench/messages.test.ts.
 *
 * @param bytes at least 64
 */
export function jsonMessages(bytes: number, count = MESSAGE_COUNT, seed = 1): string[] {
  const dice = new Dice(seed);
  return Array.from({ length: count }, () => message(dice, bytes));
}

function message(dice: Dice, bytes: number): string {
  const start = `{"id":${dice.below(1e9)},"orders":[`;
  const end = '],"note":"';
  let text = start;
  for (;;) {
    const next = `${text === start ? '' : ','}${JSON.stringify(order(dice))}`;
    if (text.length + next.length + end.length + 2 > bytes) break;
    text += next;
  }
  // What is left is too short for one more order.
  const left = bytes - text.length - end.length - 2;
  return `${text}${end}${words(dice, left).slice(0, left)}"}`;
}

function order(dice: Dice): object {
  const name = dice.of(NAMES);
  return {
    id: dice.below(1e9),
    state: dice.of(STATES),
    customer: { name, email: `${name.toLowerCase()}${dice.below(1000)}@example.com`, isMember: dice.below(2) === 0 },
    price: dice.below(100_000) / 100,
    at: 1_764_000_000_000 + dice.below(1e9),
    code: dice.below(2 ** 31).toString(36),
    text: words(dice, 20 + dice.below(60)).trimEnd(),
  };
}

/** At least so many characters. */
function words(dice: Dice, length: number): string {
  let text = '';
  while (text.length < length) text += `${dice.of(WORDS)} `;
  return text;
}

/** Random numbers from a seed: xorshift (Marsaglia, 2003). */
class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  /** An integer from 0 to less than `end`, which is at most 2^32. */
  below(end: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return Math.floor((this.#state / 2 ** 32) * end);
  }

  of<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }
}

/** Writes the messages of this size to a file, one a line, as the load generator reads them, if it is not there yet. @returns its path */
export function writeMessages(bytes: number): string {
  const file = fileURLToPath(new URL(`messages-${bytes}.txt`, COMPILED));
  const made = fileURLToPath(import.meta.url);
  if (existsSync(file) && statSync(file).mtimeMs > statSync(made).mtimeMs) return file;
  mkdirSync(COMPILED, { recursive: true });
  writeFileSync(
    file,
    jsonMessages(bytes)
      .map((text) => `${text}\n`)
      .join(''),
  );
  return file;
}
