// The suite of ../fragments.test.ts, over TLS.
Reflect.set(process.env, 'WSLOOM_TEST_TRANSPORT', 'tls');
await import('../fragments.test.js');
