// chat.mjs: the path is a room, and each message goes to everybody in it
import { defineHandler, publish } from 'wsloom';

export default defineHandler({
  open(connection) {
    connection.subscribe(connection.path);
    connection.send(`welcome to ${connection.path}, ${connection.data.name}`);
  },
  message(connection, message) {
    publish(connection.path, `${connection.data.name}: ${message.text()}`);
  },
});

export const upgrade = ({ query }) => ({ data: { name: new URLSearchParams(query).get('name') ?? 'somebody' } });
