import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { InflateResult, isCorrupt } from '../../dist/kernels/inflater.js';
import { bytesOf, corpusText, ODD_STREAMS } from '../deflate/odd-streams.js';
import { Dice } from '../fuzz/dice.js';
import { begin, goOn, INFLATERS, type Inflated, MOST_BYTES, NATIVE } from './all-inflaters.js';
import { anyOptions, byZlib, content, deflated } from './deflated.js';

/** What zlib calls the faults. */
const ZLIB_ERRORS: Readonly<Record<string, string>> = {
  BLOCK_TYPE: 'invalid block type',
  STORED_LENGTHS: 'invalid stored block lengths',
  TOO_MANY_SYMBOLS: 'too many length or distance symbols',
  LENGTHS_CODE: 'invalid code lengths set',
  LENGTHS_REPEAT: 'invalid bit length repeat',
  NO_END: 'invalid code -- missing end-of-block',
  LITERALS_CODE: 'invalid literal/lengths set',
  DISTANCES_CODE: 'invalid distances set',
  LITERAL_SYMBOL: 'invalid literal/length code',
  DISTANCE_SYMBOL: 'invalid distance code',
  TOO_FAR: 'invalid distance too far back',
};

const ODD = ODD_STREAMS.map((stream) => [stream.name, stream] as const);
/** Odd streams whose output is short enough for every limit. */
const SHORT_ODD = ODD_STREAMS.filter(({ output }) => output === undefined || output.times < 1000);

/** Why a message has not become this, or ''. */
function unlike(expected: Buffer, { verdict, output }: Inflated): string {
  if (verdict !== 'DONE') return verdict;
  return output.equals(expected) ? '' : `${output.length} bytes, not the expected ${expected.length}`;
}

describe('the corpus of odd streams', () => {
  it('is published as it is tested', async () => {
    await expect(corpusText()).toMatchFileSnapshot('../deflate/corpus/inflate.json');
  });

  it('has every fault, and every name once', () => {
    const faults = Object.entries(InflateResult).filter(([, result]) => isCorrupt(result));
    const verdicts = new Set(ODD_STREAMS.map(({ verdict }) => verdict));
    expect(faults.map(([name]) => name).filter((name) => !verdicts.has(name))).toEqual([]);
    expect(new Set(ODD_STREAMS.map(({ name }) => name)).size).toBe(ODD_STREAMS.length);
  });

  // zlib ends at a block with BFINAL, and takes a message that is cut for whole.
  it.each(ODD.filter(([name, { verdict }]) => !name.includes('BFINAL') && verdict !== 'CUT'))(
    'has the verdict of zlib: %s',
    (_, { message, history, verdict, output }) => {
      const said = byZlib(message, history && bytesOf(history));
      if (typeof said === 'string') expect(said).toBe(ZLIB_ERRORS[verdict]);
      else expect(output !== undefined && said.equals(bytesOf(output))).toBe(true);
    },
  );
});

describe.each(INFLATERS)('inflating by %s', (_, inflater) => {
  it.each(ODD)('%s', (_name, { message, history, verdict, output }) => {
    const inflated = begin(inflater, message, { ...(history && { history: bytesOf(history) }) });
    expect(inflated.verdict).toBe(verdict);
    if (output !== undefined) expect(inflated.output.equals(bytesOf(output))).toBe(true);
  });

  it('gives what zlib has deflated, at all levels, strategies, sizes of window and memory', () => {
    for (let number = 0; number < 200; number++) {
      const dice = new Dice(15, number);
      const original = content(dice, 30_000);
      const message = deflated(original, anyOptions(dice));
      expect(unlike(original, begin(inflater, message, { shift: number % 64 }))).toBe('');
    }
  });

  it('gives message after message of one stream, each with the history that it needs', () => {
    for (let number = 0; number < 60; number++) {
      const dice = new Dice(16, number);
      const windowBits = 9 + dice.below(7);
      let history = Buffer.alloc(0);
      for (let i = 0; i < 8; i++) {
        const original = Buffer.concat([
          content(dice, 4000),
          history.subarray(dice.below(history.length + 1)).subarray(0, 500),
        ]);
        const message = deflated(original, { windowBits, ...(history.length > 0 && { dictionary: history }) });
        expect(unlike(original, begin(inflater, message, { history }))).toBe('');
        history = Buffer.concat([history, original]);
        history = history.subarray(Math.max(0, history.length - 2 ** windowBits));
      }
    }
  });

  it('refuses a message whose history is cut, unless its matches stay behind the cut: like zlib', () => {
    let refused = 0;
    for (let number = 0; number < 300; number++) {
      const dice = new Dice(17, number);
      const dictionary = content(dice, 3000);
      const original = Buffer.concat([dictionary.subarray(dice.below(dictionary.length + 1)), content(dice, 2000)]);
      const message = deflated(original, dictionary.length > 0 ? { dictionary } : {});
      const history = dictionary.subarray(dice.below(dictionary.length + 1));
      const said = byZlib(message, history);
      const { verdict, output } = begin(inflater, message, { history });
      if (typeof said === 'string') {
        expect(ZLIB_ERRORS[verdict]).toBe(said);
        refused++;
      } else expect(unlike(said, { verdict, output })).toBe('');
    }
    expect(refused).toBeGreaterThan(50);
  });

  it('goes on over blocks with BFINAL, of any kind', () => {
    for (let number = 0; number < 100; number++) {
      const dice = new Dice(18, number);
      const first = content(dice, 3000);
      const second = Buffer.concat([first.subarray(0, 1000), content(dice, 1000)]);
      const message = Buffer.concat([
        deflateRawSync(first, anyOptions(dice)),
        deflated(second, { ...anyOptions(dice), windowBits: 15, ...(first.length > 0 && { dictionary: first }) }),
      ]);
      expect(unlike(Buffer.concat([first, second]), begin(inflater, message))).toBe('');
    }
  });

  it('takes a message that ends within a block for cut, wherever that is', () => {
    let cuts = 0;
    let whole = 0;
    for (let number = 0; number < 20; number++) {
      const dice = new Dice(19, number);
      const original = content(dice, 300);
      const message = deflated(original, anyOptions(dice));
      for (let length = 1; length < message.length; length++) {
        const { verdict, output } = begin(inflater, message.subarray(0, length));
        expect(['DONE', 'CUT']).toContain(verdict);
        cuts++;
        // Between the blocks that zlib has made.
        if (verdict !== 'DONE') continue;
        whole++;
        expect(output.equals(original.subarray(0, output.length))).toBe(true);
      }
    }
    expect(cuts).toBeGreaterThan(500);
    expect(whole).toBeLessThan(cuts / 20);
  });

  it('writes nothing beyond the limit, and says that it needs room whenever there is a byte too little', () => {
    const streams = SHORT_ODD.filter(({ verdict }) => verdict === 'DONE');
    for (const { name, message, history, output } of streams) {
      const expected = output ? bytesOf(output) : Buffer.alloc(0);
      for (let room = 0; room <= expected.length + 2; room++) {
        const inflated = begin(inflater, message, { room, ...(history && { history: bytesOf(history) }) });
        expect(`${name}: ${room} ${inflated.verdict}`).toBe(
          `${name}: ${room} ${room < expected.length ? 'NEEDS_ROOM' : 'DONE'}`,
        );
        expect(inflated.output.equals(expected.subarray(0, inflated.output.length))).toBe(true);
      }
    }
  });

  it('goes on from any limit to the next', () => {
    for (let number = 0; number < 100; number++) {
      const dice = new Dice(20, number);
      const original = content(dice, 5000);
      const message = deflated(original, anyOptions(dice));
      let room = dice.below(original.length + 1);
      let inflated = begin(inflater, message, { room });
      while (inflated.verdict === 'NEEDS_ROOM') {
        expect(inflated.output.equals(original.subarray(0, inflated.output.length))).toBe(true);
        room += 1 + dice.size(original.length);
        inflated = goOn(inflater, Math.min(room, MOST_BYTES));
      }
      expect(unlike(original, inflated)).toBe('');
    }
  });
});

describe.each(INFLATERS)('inflating by %s', (_, inflater) => {
  it('takes a message that is cut for cut, and not for too long, where the room ends with what there is', () => {
    for (let number = 0; number < 20; number++) {
      const dice = new Dice(27, number);
      const message = deflated(content(dice, 300), anyOptions(dice));
      for (let length = 1; length < message.length; length++) {
        const cut = message.subarray(0, length);
        const room = inflateRawSync(cut, { finishFlush: constants.Z_SYNC_FLUSH }).length;
        expect(['CUT', 'DONE']).toContain(begin(inflater, cut, { room }).verdict);
      }
    }
  });

  it('leaves at most a match of room', () => {
    const message = deflated(Buffer.alloc(3000, 'a'));
    for (let room = 0; room < 3000; room++) {
      const { output } = begin(inflater, message, { room });
      expect(output.length > room - 258 && output.length <= room).toBe(true);
    }
  });

  /** All of a message, with so much work in each call. */
  function inSlices(message: Uint8Array, work: number): Inflated & { readonly slices: number } {
    let inflated = begin(inflater, message, { work });
    let slices = 1;
    for (; inflated.verdict === 'PAUSED'; slices++) inflated = goOn(inflater, MOST_BYTES, work);
    return { ...inflated, slices };
  }

  it('comes to the same in slices of any size', () => {
    for (const { message, verdict, history } of SHORT_ODD) {
      if (history === undefined) expect(inSlices(message, 1).verdict).toBe(verdict);
    }
    for (let number = 0; number < 60; number++) {
      const dice = new Dice(21, number);
      const original = content(dice, 3000);
      const message = deflated(original, anyOptions(dice));
      for (const work of [1, 2, 100, 3000]) {
        const { verdict, output } = inSlices(message, work);
        expect(verdict).toBe('DONE');
        expect(output.equals(original)).toBe(true);
      }
    }
  });

  it('pauses after about as much work as it was given', () => {
    const { slices, output } = inSlices(deflated(Buffer.alloc(1_000_000, 'some text ')), 10_000);
    expect(output.length).toBe(1_000_000);
    expect(slices).toBeGreaterThan(90);
    expect(slices).toBeLessThan(105);
  });

  it('pauses among blocks that have no output', () => {
    const empty = Buffer.alloc(50_000, Buffer.of(0, 0, 0, 0xff, 0xff));
    if (inflater === NATIVE) expect(inSlices(empty, 3200).slices).toBeGreaterThan(4000);
    else expect(inSlices(empty, 3200).slices).toBe(101);
  });

  it('pauses among streams that have no output', () => {
    const empty = Buffer.alloc(20_000, Buffer.of(3, 0));
    const { slices, verdict } = inSlices(empty, 20_000);
    expect(verdict).toBe('DONE');
    // With zlib, to begin a stream counts as much as each of the two calls that read it.
    expect(slices).toBeGreaterThan(inflater === NATIVE ? 2500 : 5);
  });

  it('has one message at a time, whatever became of the one before', () => {
    const dice = new Dice(22, 0);
    for (const { message } of SHORT_ODD) {
      begin(inflater, message, { room: dice.below(10), work: 1 + dice.below(20) });
      expect(begin(inflater, deflated(Buffer.from('next')))).toEqual({ verdict: 'DONE', output: Buffer.from('next') });
    }
  });
});
