// The suite of ../held.long.test.ts, over TLS.
Reflect.set(process.env, 'WSLOOM_TEST_TRANSPORT', 'tls');
await import('../held.long.test.js');
