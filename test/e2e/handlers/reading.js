// Reads each message in every way that there is, and sends what it found.
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
    // A copy is the handler's own: what it does to it changes nothing else.
    copied.fill(0);
    connection.send(message);
    if (!isBinary) connection.send(JSON.stringify({ json: message.json() }));
  },
});
