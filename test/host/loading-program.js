// Loads handler modules as Node does: in the thread of a test, imports go through the loader of the test runner.
import { parentPort } from 'node:worker_threads';
import { loadHandlerModule } from '../../dist/host/handler-module.js';

parentPort.on('message', async ({ href, limitMs }) => {
  try {
    const { handler, upgrade } = await loadHandlerModule(href, { limitMs });
    const hooks = ['open', 'message'].filter((name) => typeof handler[name] === 'function');
    parentPort.postMessage({ hooks, upgrade: upgrade?.(), answer: handler.message?.() });
  } catch (error) {
    parentPort.postMessage({ error: error.message, name: error.name });
  }
});
