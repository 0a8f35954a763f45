// Sends each client what the hook upgrade and its connection know of its TLS.
export const upgrade = ({ tls }) => ({ data: tls });

export default {
  open: (connection) => connection.send(JSON.stringify([connection.data ?? null, connection.tls ?? null])),
};
