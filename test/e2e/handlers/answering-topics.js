// Everybody is subscribed to one topic, is told so, and publishes to it what it sends.
import { defineHandler, publish } from '../../../dist/index.js';

export default defineHandler({
  open(connection) {
    connection.subscribe('all');
    connection.send('subscribed');
  },
  message(_connection, message) {
    publish('all', message);
  },
});
