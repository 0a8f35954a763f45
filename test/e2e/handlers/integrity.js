// Answers each message with its own bytes, by all ways of sending, in turn.
import { defineHandler, publish } from '../../../dist/index.js';

export default defineHandler({
  open(connection) {
    connection.data = 0;
    connection.subscribe(`own-${connection.id}`);
  },
  message(connection, message) {
    const way = connection.data++ % 5;
    if (way === 0) connection.send(message);
    else if (way === 1) connection.send(message.bytes());
    else if (way === 2) connection.send(message.borrow());
    else if (way === 3) publish(`own-${connection.id}`, message);
    else publish(`own-${connection.id}`, message.borrow());
  },
});
