/** What a reader must know of a figure, and stands beside it, until it is measured in another way. */

/** Beside comparisons of WASM that copies with JavaScript. */
export const COPIES =
  'All JavaScript here gets an offset into one WebAssembly memory, whose views it has from the start. It was not measured with bytes in ordinary memory, such as a Buffer from a socket, where it would need a view for each of them. So such a comparison is of WebAssembly that pays for copies with JavaScript that pays for nothing of the kind: with JavaScript that is given a Buffer, WebAssembly with copies may compare better than here.';

/** The same in short. */
export const COPIES_IN_SHORT =
  'That JavaScript finds its bytes in WebAssembly memory, as it would not if a socket left them in a Buffer: see [What is compared](#what-is-compared).';

/** Beside figures of candidates that leave work to the collector. */
export const COLLECTOR =
  'On engines that are programs, an attempt is the median of short batches, so that pauses of the collector fall out of it. That favours what allocates: `TextDecoder` makes a string in each call, and `native` a view. The batches of browsers are a thousand times as long, and have these pauses in them.';

/** The same in short. */
export const COLLECTOR_IN_SHORT =
  'Pairs with `TextDecoder` and `native` look faster here than they are, because pauses of the collector fall out of the figures.';

/** Beside figures with a cold cache, and with many texts. */
export const VIEWS =
  'Candidates that take views (`TextDecoder`, `isUtf8`, `bufferutil`, `websocketUnmask`, and WASM with copies) read an object for each range here, which may be in no cache either. Those that take offsets read one array of numbers. So a part of the difference between the two kinds is that of the objects.';

/** Beside figures with many texts. */
export const FEW_TEXTS =
  'The texts come in the same order each time, and a processor of today may learn even the branches of 256 short ones.';

/** Beside the answers to questions, which one process is asked. */
export const ONE_PROCESS =
  'Compare these figures with each other, and not with those of other tables: one process is asked everything, so that several kernels share a call site, and the second and third kernel of a kind is slower than the first. In the other tables each candidate has a loop of its own.';

/** Beside figures that the threads of an engine and of Node have a part in. */
export const ONE_CORE =
  'The process is bound to one core, and so are the threads in which the engine compiles and zlib works: what they do here takes time from the code that is measured.';
