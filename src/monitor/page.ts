/**
 * The page at `/`: opens a WebSocket to the server it came from and shows what comes back. Nothing is loaded from elsewhere.
 * @param path of the WebSocket.
 */
export function renderPage(path: string): string {
  return PAGE.replace('{{path}}', JSON.stringify(path).replaceAll('<', '\\u003c'));
}

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>wsloom</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 40rem; margin: 3rem auto; padding: 0 1rem; }
  form { display: flex; flex-wrap: wrap; gap: .5rem; }
  input { flex: 1 1 12rem; min-width: 0; max-width: 100%; box-sizing: border-box; font: inherit; padding: .4rem .6rem; }
  button { font: inherit; padding: .4rem 1rem; }
  #log { list-style: none; padding: 0; font: 14px/1.7 ui-monospace, monospace; overflow-wrap: anywhere; }
  .sent::before { content: '\\2192\\00a0'; opacity: .6; }
  .received::before { content: '\\2190\\00a0'; color: green; }
  .note { opacity: .6; }
</style>
<h1>wsloom</h1>
<p>This server speaks WebSocket on this address. Send it something:</p>
<form><input id="text" value="Hello, loom" autocomplete="off" aria-label="Message" autofocus><button>Send</button></form>
<ul id="log" aria-live="polite"></ul>
<script>
  const log = document.getElementById('log');
  const show = (kind, text) => {
    const line = document.createElement('li');
    line.className = kind;
    line.textContent = text;
    log.prepend(line);
    while (log.children.length > 100) log.lastChild.remove();
  };
  const url = location.origin.replace(/^http/, 'ws') + {{path}} + location.search;
  const socket = new WebSocket(url);
  const send = () => {
    const text = document.getElementById('text').value;
    if (socket.readyState !== WebSocket.OPEN) return show('note', 'not connected');
    socket.send(text);
    show('sent', text);
  };
  socket.onopen = () => { show('note', 'connected to ' + url); send(); };
  socket.onmessage = ({ data }) => show('received', typeof data === 'string' ? data : data.size + ' bytes');
  socket.onclose = ({ code, reason }) => show('note', 'closed: ' + code + ' ' + reason);
  document.querySelector('form').onsubmit = (event) => { event.preventDefault(); send(); };
</script>
</html>
`;
