import { defineHandler, publish, type Upgrade } from '../index.js';

/** The path is a room: each message goes to everybody in it, the sender included. */
export default defineHandler({
  open(connection) {
    connection.subscribe(connection.path);
  },
  message(connection, message) {
    publish(connection.path, message);
  },
});

/** Speaks whatever the client likes best. */
export const upgrade: Upgrade = ({ subprotocols }) => ({ subprotocol: subprotocols[0] });
