// Messages that begin with "own" come back; all others go to everybody.
import { defineHandler, publish } from '../../../dist/index.js';

export default defineHandler({
  open(connection) {
    connection.subscribe('all');
  },
  message(connection, message) {
    const text = message.text();
    if (text.startsWith('own')) connection.send(text, { compress: !text.startsWith('own 3') });
    else publish('all', text, { compress: !text.startsWith('all 3') });
  },
});
