// The suite of ../fragments.long.test.ts, over TLS.
Reflect.set(process.env, 'WSLOOM_TEST_TRANSPORT', 'tls');
await import('../fragments.long.test.js');
