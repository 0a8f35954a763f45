// Reads each message in every possible way, and sends the results.
import { defineHandler } from '../../../dist/index.js';

export default defineHandler({
  message(connection, message) {
    const { isBinary, size } = message;
    const borrowed = message.borrow();
    const copied = message.bytes();
    const isSame = Buffer.compare(borrowed, copied) === 0;
    const isApart = borrowed.buffer !== copied.buffer && copied.byteOffset === 0 && copied.buffer.byteLength === size;
    connection.send(JSON.stringify({ isBinary, size, isSame, isApart, text: message.text() }));
    connection.send(borrowed);
    connection.send(copied);
    // A copy belongs to the handler: changes of it change nothing else.
    copied.fill(0);
    connection.send(message);
    if (!isBinary) connection.send(JSON.stringify({ json: message.json() }));
  },
});
