// Notes what the channels of its thread tell, and sends what is of one connection to whoever asks; without an id, what is of none.
import { subscribe } from 'node:diagnostics_channel';
import { threadId } from 'node:worker_threads';
import { defineHandler } from '../../../dist/index.js';

const told = [];
const note = (name, { connection, ...rest }) => told.push({ name, threadId, id: connection?.id, ...rest });
for (const name of ['open', 'messages', 'close', 'refused']) subscribe(`wsloom:${name}`, (event) => note(name, event));
subscribe('wsloom:open', ({ connection }) => {
  if (connection.path === '/broken') throw new Error('this subscriber is broken');
});

export const upgrade = ({ path }) => (path === '/no' ? { status: 403, body: 'not you' } : undefined);

export default defineHandler({
  message(connection, message) {
    const { id } = message.json();
    connection.send(JSON.stringify(told.filter((one) => one.id === id)));
  },
  open: (connection) => void connection.send(`${connection.id}`),
});
