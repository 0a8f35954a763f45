// Decides about upgrades by their path, in whatever thread that is, and tells its clients of that thread.
import { BroadcastChannel, getEnvironmentData, isMainThread, threadId } from 'node:worker_threads';
import { defineHandler } from '../../../dist/index.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

const reports = new BroadcastChannel('wsloom-e2e');
reports.unref();

/** Those that wait until the test says what they are answered. */
const held = [];
const decisions = new BroadcastChannel('wsloom-e2e-decision');
decisions.unref();
decisions.onmessage = ({ data }) => {
  for (const resolve of held.splice(0)) resolve(data);
};

const HOOK = {
  '/later': async () => {
    await turn();
    return {};
  },
  '/refused': () => ({ status: 401, body: 'who are you?\n' }),
  '/later/refused': async () => {
    await turn();
    return { status: 401 };
  },
  '/throws': () => {
    throw new Error('on purpose');
  },
  '/later/throws': async () => {
    await turn();
    throw new Error('on purpose');
  },
  '/uncloneable': () => ({ data: () => {} }),
  '/never': () => new Promise(() => {}),
  '/held': () => new Promise((resolve) => held.push(resolve)),
  '/exits': () => process.exit(1),
  '/exits/later': async () => {
    await turn();
    process.exit(1);
  },
  /** The thread does nothing else until the test opens its gate. */
  '/blocks': () => void Atomics.wait(getEnvironmentData('wsloom.e2e.gate'), 0, 0),
};

export const upgrade = (request) => {
  const { path, remoteAddress } = request;
  const thread = { threadId, isMainThread };
  if (HOOK[path] !== undefined) reports.postMessage({ hook: 'upgrade', path, value: thread });
  const answer = HOOK[path]?.(request);
  return answer ?? { headers: { 'X-Thread': String(threadId) }, data: { ...thread, seen: remoteAddress } };
};

export default defineHandler({
  message(connection, message) {
    const text = message.text();
    if (text === 'exit') process.exit(1);
    const { remoteAddress, data } = connection;
    connection.send(text === 'about' ? JSON.stringify({ hostedIn: threadId, remoteAddress, data }) : message);
  },
});
