// It has loaded when a promise of the test is settled.
await Reflect.get(globalThis, Symbol.for('wsloom.e2e.load'));

export default { message: (connection, message) => connection.send(message) };
