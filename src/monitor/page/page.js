// Opens a WebSocket to the server that the page comes from, sends what is typed, and shows what comes back.

const MAX_LINES = 100;

const log = /** @type {HTMLElement} */ (document.getElementById('log'));
const form = /** @type {HTMLFormElement} */ (document.querySelector('form'));
const input = /** @type {HTMLInputElement} */ (document.getElementById('text'));
const path = /** @type {HTMLElement} */ (document.getElementById('path'));

const url = location.origin.replace(/^http/, 'ws') + JSON.parse(path.textContent) + location.search;
const socket = new WebSocket(url);

/**
 * Adds a line on top, and drops the oldest one above {@link MAX_LINES}.
 * @param {'sent' | 'received' | 'note'} kind
 * @param {string} text
 */
function show(kind, text) {
  const line = document.createElement('li');
  line.className = kind;
  line.textContent = text;
  log.prepend(line);
  if (log.children.length > MAX_LINES) log.lastElementChild?.remove();
}

function send() {
  if (socket.readyState !== WebSocket.OPEN) {
    show('note', 'not connected');
    return;
  }
  socket.send(input.value);
  show('sent', input.value);
}

socket.onopen = () => {
  show('note', `connected to ${url}`);
  send();
};
socket.onmessage = ({ data }) => show('received', typeof data === 'string' ? data : `${data.size} bytes`);
socket.onclose = ({ code, reason }) => show('note', `closed: ${code} ${reason}`);
form.onsubmit = (event) => {
  event.preventDefault();
  send();
};
