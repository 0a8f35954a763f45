import type { Input } from './input.js';

/** How many smaller inputs are tried at most, and for how long, in ms. */
const MAX_TRIES = 3000;
const MAX_MS = 20_000;

/** A smaller input that fails too: shorter at the end, then in the middle, fed whole if that is enough. */
export function shrink(input: Input, fails: (input: Input) => boolean): Input {
  let tries = 0;
  const deadline = performance.now() + MAX_MS;
  let best = input;
  const take = (candidate: Input): boolean => {
    if (tries++ >= MAX_TRIES || performance.now() > deadline || !fails(candidate)) return false;
    best = candidate;
    return true;
  };
  for (let pass = 0; pass < 2; pass++) {
    for (let cut = best.stream.length; cut >= 1; cut = Math.floor(cut / 2)) {
      while (best.stream.length >= cut && take({ ...best, stream: best.stream.subarray(0, -cut) }));
    }
    for (let cut = best.stream.length >>> 1; cut >= 1; cut >>>= 1) {
      for (let at = 0; at + cut < best.stream.length; ) {
        const rest = Buffer.concat([best.stream.subarray(0, at), best.stream.subarray(at + cut)]);
        if (!take({ ...best, stream: rest })) at += cut;
      }
    }
    const simpler: Partial<Input['setting']>[] = [
      { sizes: [1] },
      { sizes: [Math.max(1, best.stream.length)] },
      { pauseEach: 0 },
      { detaches: false },
      { endsWhileLent: false },
      { fullArena: false },
      { pausesInflating: false },
    ];
    for (const setting of simpler) take({ ...best, setting: { ...best.setting, ...setting } });
  }
  return best;
}
