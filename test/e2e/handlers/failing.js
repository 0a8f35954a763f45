import { defineHandler } from '../../../dist/index.js';

// Hooks that fail for each client, as the path says.
export default defineHandler({
  open({ path }) {
    if (path === '/open') throw new Error('open fails');
    if (path === '/open-later') return failLater();
  },
  message(_connection, message) {
    if (message.text() === 'one') throw new Error('one place');
    throw new Error('another place');
  },
  close({ path }) {
    if (path === '/close') throw new Error('close fails');
  },
});

async function failLater() {
  await null;
  throw new Error('open fails later');
}
