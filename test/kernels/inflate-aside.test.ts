/** A message that is put aside while others are inflated, and whose input and output are moved meanwhile. */
import { describe, expect, test } from 'vitest';
import { INFLATE_REGION_BYTES, InflateResult, type Inflater } from '../../dist/kernels/inflater.js';
import { NativeInflater } from '../../dist/kernels/native-inflater.js';
import { wasmModule, wasmScalarModule } from '../../dist/kernels/wasm.js';
import { WasmInflater } from '../../dist/kernels/wasm-inflater.js';
import { Dice } from '../fuzz/dice.js';
import { FREE, newMemory } from './all-kernels.js';
import { content, deflated } from './deflated.js';

const memory = newMemory(64);
const bytes = Buffer.from(memory.buffer);
const REGION = FREE;
const INPUTS = FREE + INFLATE_REGION_BYTES;
const OUTPUTS = INPUTS + 1024 * 1024;
const OTHER_OUTPUT = OUTPUTS + 2 * 1024 * 1024;
/** How far inputs and outputs are moved to and fro, at most. */
const MOST_MOVED = 300_000;

const INFLATERS: readonly (readonly [string, Inflater])[] = [
  ['wasm', new WasmInflater(wasmModule(memory), REGION)],
  ['wasm-scalar', new WasmInflater(wasmScalarModule(memory), REGION)],
  ['native', new NativeInflater(memory)],
];

describe.each(INFLATERS)('a message that is inflated by %s', (_name, inflater) => {
  test('goes on where it was, wherever its input and output lie then', () => {
    const other = deflated(Buffer.from('in between'.repeat(50)));
    let pauses = 0;
    for (let number = 0; number < 150; number++) {
      const dice = new Dice(7, number);
      const history = content(dice, 4000);
      const message = content(dice, 60_000);
      const stream = deflated(message, { level: dice.below(10), ...(history.length > 0 && { dictionary: history }) });
      const work = 1 + dice.size(20_000);
      let from = INPUTS + dice.below(64);
      let to = OUTPUTS + history.length + dice.below(64);
      bytes.set(stream, from);
      bytes.set(history, to - history.length);
      let room = dice.size(message.length);
      let result = inflater.inflate(from, stream.length, to, history.length, to + room, work);
      while (result === InflateResult.NEEDS_ROOM || result === InflateResult.PAUSED) {
        pauses++;
        const { written } = inflater;
        if (dice.chance(0.5)) {
          const moved = INPUTS + dice.below(MOST_MOVED);
          bytes.copyWithin(moved, from, from + stream.length);
          if (moved >= from + stream.length) bytes.fill(0xff, from, from + stream.length);
          inflater.inputMoved(moved - from);
          from = moved;
        }
        if (dice.chance(0.5)) {
          const moved = OUTPUTS + history.length + dice.below(MOST_MOVED);
          bytes.copyWithin(moved - history.length, to - history.length, to + written);
          if (moved - history.length >= to + written) bytes.fill(0xff, to - history.length, to + written);
          inflater.outputMoved(moved - to);
          to = moved;
        }
        if (dice.chance(0.5)) {
          const takeUp = inflater.putAside();
          bytes.set(other, OTHER_OUTPUT - other.length);
          inflater.inflate(OTHER_OUTPUT - other.length, other.length, OTHER_OUTPUT, 0, OTHER_OUTPUT + 1000, 1000);
          takeUp();
        }
        if (result === InflateResult.NEEDS_ROOM) room = message.length + 300;
        result = inflater.goOn(to + room, work);
      }
      expect(result, `input ${number}`).toBe(InflateResult.DONE);
      expect(bytes.subarray(to, to + inflater.written).equals(message), `input ${number}`).toBe(true);
    }
    expect(pauses).toBeGreaterThan(60);
  });
});
