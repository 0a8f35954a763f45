// The suite of ../floods.long.test.ts, over TLS.
Reflect.set(process.env, 'WSLOOM_TEST_TRANSPORT', 'tls');
await import('../floods.long.test.js');
