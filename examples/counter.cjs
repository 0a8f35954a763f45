// counter.cjs: a handler in CommonJS; it answers each message with how many have come
module.exports = {
  open(connection) {
    connection.data = { messages: 0 };
  },
  message(connection) {
    connection.data.messages++;
    connection.send(`message ${connection.data.messages}`);
  },
};

module.exports.upgrade = ({ path }) => (path === '/count' ? undefined : { status: 404 });
