// The suite of ../pipelines.long.test.ts, over TLS.
Reflect.set(process.env, 'WSLOOM_TEST_TRANSPORT', 'tls');
await import('../pipelines.long.test.js');
