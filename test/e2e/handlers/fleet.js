// Obeys its clients as commands.js does, and reports what it is told about the engine of the fleet.
import { BroadcastChannel, threadId } from 'node:worker_threads';
import { defineHandler } from '../../../dist/index.js';
import commands from './commands.js';

const reports = new BroadcastChannel('wsloom-e2e');
reports.unref();

export default defineHandler({
  ...commands,
  backplane(state) {
    reports.postMessage({ hook: 'backplane', id: threadId, path: '', text: state });
  },
});
