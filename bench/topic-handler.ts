/** Topics for fanout.cpp: a subscriber's path is its topic, and what comes to `/publish` begins with the name of the topic it is for. */
import { defineHandler, publish } from '#dist/index.js';

const PUBLISHER = '/publish';
const NAME_LENGTH = 4;

// biome-ignore lint/style/noDefaultExport: a handler is the default export of its module
export default defineHandler({
  open(connection) {
    if (connection.path !== PUBLISHER) connection.subscribe(connection.path.slice(1));
  },
  message(_connection, message) {
    const { buffer, byteOffset } = message.borrow();
    publish(Buffer.from(buffer, byteOffset, NAME_LENGTH).toString('latin1'), message);
  },
});
