import type { Study } from '../results.js';

export function question({ isQuick }: Study): string {
  const quick = isQuick ? '**This is from a quick run: its figures only hint.**' : '';
  return [
    quick,
    `A WebSocket server has two loops over every byte that it receives: it XORs the payload with a masking key of four bytes
(RFC 6455 section 5.3), and it checks that text is UTF-8 (section 8.1). Both can be written in JavaScript, in WebAssembly
with and without SIMD, or left to native code: bufferutil, \`TextDecoder\`, \`buffer.isUtf8\`. Which is the fastest, from what
size on, on which engine? And once a server also pays for system calls, does anybody notice?

Published answers contradict each other. Some measure WASM together with copies into its memory, some measure code that is not
yet compiled, some let WASM compete with a byte loop that nobody needs to write, and most have run on one engine. Here these
are varied one by one.`,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}
