export const QUESTION = `A WebSocket server has two loops over every byte that it receives: it XORs the payload with a masking key of four bytes
(RFC 6455 section 5.3), and it checks that text is UTF-8 (section 8.1). Both can be written in JavaScript, in WebAssembly
with and without SIMD, or left to native code: bufferutil, \`TextDecoder\`, \`buffer.isUtf8\`. Which is the fastest, from which
size on, on which engine? And does it matter in a server, which also pays for system calls?

The answer depends on what is measured: WASM with copies into its memory or without, code that is compiled already or not yet, JavaScript that is
written for speed or a loop over bytes, one engine or another. Here these conditions are varied one by one.`;
