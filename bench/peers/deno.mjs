// Deno's own server: deno run --allow-net deno.mjs PORT echo|broadcast
const [port, mode] = Deno.args;
const everybody = new Set();

function accept(request) {
  if (request.headers.get('upgrade') !== 'websocket') return new Response('a WebSocket is wanted', { status: 426 });
  const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
  socket.binaryType = 'arraybuffer';
  if (mode === 'echo') {
    socket.onmessage = ({ data }) => socket.send(data);
    return response;
  }
  socket.onopen = () => everybody.add(socket);
  socket.onclose = () => everybody.delete(socket);
  socket.onmessage = ({ data }) => {
    for (const other of everybody) {
      if (other.readyState === WebSocket.OPEN) other.send(data);
    }
  };
  return response;
}

const onListen = ({ port }) => console.log(`listening on ws://127.0.0.1:${port}`);
Deno.serve({ hostname: '127.0.0.1', port: Number(port), onListen }, accept);
