import { defineHandler, type Upgrade } from '../index.js';

/** Sends each message back as it came. */
export default defineHandler({
  message(connection, message) {
    connection.send(message);
  },
});

/** Speaks whatever the client likes best. */
export const upgrade: Upgrade = ({ subprotocols }) => ({ subprotocol: subprotocols[0] });
