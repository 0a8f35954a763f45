// Floods clients on /victim when their first message comes. Messages of other clients close the victims, and are sent back.
import { defineHandler } from '../../../dist/index.js';

const victims = new Set();

export default defineHandler({
  open(connection) {
    if (connection.path === '/victim') victims.add(connection);
  },
  message(connection, message) {
    if (connection.path === '/victim') {
      connection.send(new Uint8Array(32 * 1024 * 1024));
      return;
    }
    for (const victim of victims) victim.close(4000, 'evicted');
    victims.clear();
    connection.send(message);
  },
});
