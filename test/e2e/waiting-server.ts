import { createServer, type Server } from '../../dist/index.js';
import { handler, RecordingLog } from './serving.js';

/** A server without workers, with an admin port. Its handler is loaded only when `load` is called: until then a server that listens is starting. */
export function waitingServer(): { readonly server: Server; readonly log: RecordingLog; readonly load: () => void } {
  let load = () => {};
  const loading = new Promise<void>((resolve) => {
    load = resolve;
  });
  Reflect.set(globalThis, Symbol.for('wsloom.e2e.load'), loading);
  const log = new RecordingLog();
  const server = createServer({ handler: handler('waiting-load.js'), threads: 0, adminPort: 0, log });
  return { server, log, load };
}
