export const QUESTION = `A WebSocket server has two loops over every byte that it receives: it XORs the payload with a masking key of four bytes
(RFC 6455 section 5.3), and it checks that text is UTF-8 (section 8.1). Both can be written in JavaScript, in WebAssembly
with and without SIMD, or left to native code: bufferutil, \`TextDecoder\`, \`buffer.isUtf8\`. Which is the fastest, from which
size on, on which engine? And does it matter in a server, which also pays for system calls?

Published answers contradict each other. Some measure WASM together with copies into its memory. Some measure code that is not yet
compiled. Some compare WASM with a loop over bytes, which is not the best that JavaScript can do. Most have run on one engine. Here these
conditions are varied one by one.`;
