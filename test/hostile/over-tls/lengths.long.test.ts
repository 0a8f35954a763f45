// The suite of ../lengths.test.ts, over TLS.
Reflect.set(process.env, 'WSLOOM_TEST_TRANSPORT', 'tls');
await import('../lengths.test.js');
