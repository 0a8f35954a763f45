/**
 * What a reader must know of a figure, and stands beside it. Studies before December 2026 were measured in another way, and what is true
 * of their figures only is said of them only.
 */
import type { Study } from '../results.js';

type Measured = Pick<Study, 'measuring'>;

/** Whether a study is from before {@link Study.measuring}. */
export function isOlder({ measuring }: Measured): boolean {
  return measuring === undefined;
}

/** Beside comparisons of WASM that copies with JavaScript. */
export function copies(study: Measured): string {
  return isOlder(study)
    ? 'All JavaScript here gets an offset into one WebAssembly memory, whose views it has from the start. It was not measured with bytes in ordinary memory, such as a Buffer from a socket, where it would need a view for each of them. So such a comparison is of WebAssembly that pays for copies with JavaScript that pays for nothing of the kind: with JavaScript that is given a Buffer, WebAssembly with copies may compare better than here.'
    : 'WASM with copies is compared with JavaScript of a view: both find their bytes in ordinary memory, as a socket leaves them in a Buffer. All these bytes lie in one buffer here, so what keeps its view of the buffer (`kept`) never makes another one. Its loop gets that view as a parameter. What is called `closure, of a view` has its view in a closure, which needs one buffer that all reads go to. That is worth much on some engines: see the ways to write the JavaScript below. In place, `js`, `js-words-8, closure`, `js-view-8` and `js-bigint-4` have their views in a closure, and `js-words`, `js-words-8` and `js-bigint` have them in fields. Where no figure of a closure is there, it was not tried, and JavaScript of a view may be faster than here.';
}

/** The same in short. */
export function copiesInShort(studies: readonly Measured[]): string {
  return studies.some(isOlder)
    ? 'That JavaScript finds its bytes in WebAssembly memory, as it would not if a socket left them in a Buffer: see [What is compared](#what-is-compared).'
    : 'Both find their bytes in ordinary memory: see [What is compared](#what-is-compared).';
}

/** Beside figures of candidates that leave work to the collector. */
export function collector(study: Measured): string {
  return isOlder(study)
    ? 'On engines that are programs, an attempt is the median of short batches, so that pauses of the collector fall out of it. That favours what allocates: `TextDecoder` makes a string in each call, and `native` a view. The batches of browsers are a thousand times as long, and have these pauses in them.'
    : '`TextDecoder` makes a string in each call, and `native` a view, as `auto` does where it calls `native`: their batches are so long that the pauses of the collector are in the figures.';
}

/** The same in short. */
export function collectorInShort(study: Measured): string {
  return isOlder(study)
    ? 'Pairs with `TextDecoder` and `native` look faster here than they are, because pauses of the collector fall out of the figures.'
    : 'Of pairs with `TextDecoder` and `native` the pauses of the collector are a part.';
}

/** Beside figures with a cold cache, and with many texts. */
export function views(study: Measured): string {
  return isOlder(study)
    ? 'Candidates that take views (`TextDecoder`, `isUtf8`, `bufferutil`, `websocketUnmask`, and WASM with copies) read an object for each range here, which may be in no cache either. Those that take offsets read one array of numbers. So a part of the difference between the two kinds is that of the objects.'
    : 'All candidates read an object for each range here, which may be in no cache either: the view that exists already, from which those that take offsets get the length.';
}

/** Beside figures with a cold cache. */
export function coldCollector(study: Measured): string {
  return isOlder(study)
    ? ''
    : 'The few calls of a cold batch make too little for the collector to come, so that these figures leave it out, unlike those in cache.';
}

/** Beside figures with many texts. */
export function fewTexts(study: Measured): string {
  return isOlder(study)
    ? 'The texts come in the same order each time, and a processor of today may learn even the branches of 256 short ones.'
    : 'The texts and their views are more than the caches of a core hold, so that a part of the difference is that they come from the last cache.';
}

/** Beside the answers to questions. */
export function processes(study: Measured): string {
  return isOlder(study)
    ? 'Compare these figures with each other, and not with those of other tables: one process is asked everything, so that several kernels share a call site, and the second and third kernel of a kind is slower than the first. In the other tables each candidate has a loop of its own.'
    : 'Each question has a process of its own for each of its subjects, which is asked nothing else: what it compiles is the first that it compiles, and its kernel the only one. The first call and the calls until code is fast are of the same process. Compare these figures with each other, and not with those of other tables, whose code has run longer.';
}

/** Beside figures that the threads of an engine and of Node have a part in. */
export const ONE_CORE =
  'The process is bound to one core, and so are the threads in which the engine compiles and zlib works: what they do here takes time from the code that is measured.';
