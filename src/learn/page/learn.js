// The page at /learn: it reads what is typed, and shows what the modules of ../ make of it.

import { hexOf, readHex } from '../../anatomy/hex.js';
import { makeFrame } from '../../anatomy/make-frame.js';
import { joinCloseStatus } from '../../protocol/close-payload.js';
import { Opcode } from '../../protocol/opcode.js';
import { acceptSteps, isNonce, keyOf, NONCE_BYTES } from '../accept-steps.js';
import { Conversation } from '../conversation.js';
import { fragmentSteps } from '../fragment-steps.js';
import { viewFrames } from '../frame-view.js';
import { LESSONS } from '../lesson.js';
import { maskSteps } from '../mask-steps.js';

/** @param {string} text */
const utf8 = (text) => new TextEncoder().encode(text);
/** @param {number} length */
const random = (length) => crypto.getRandomValues(new Uint8Array(length));
const newKey = () => random(4);
/** @param {number} byte */
const hexByte = (byte) => byte.toString(16).padStart(2, '0');
/** @param {number} byte */
const bits = (byte) => byte.toString(2).padStart(8, '0');

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
/** @param {string} id */
const input = (id) => /** @type {HTMLInputElement} */ (document.getElementById(id));

/**
 * Calls `submit` when the form of a section is submitted.
 * @param {string} id
 * @param {() => void} submit
 */
function onSubmit(id, submit) {
  const form = /** @type {HTMLFormElement} */ (document.querySelector(`#${id} form`));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    submit();
  });
}

/**
 * @param {string} name
 * @param {string} text
 * @param {string} [className]
 */
function textElement(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className !== undefined) made.className = className;
  return made;
}

/**
 * What may be wider than the window: it is scrolled by itself, also by keyboard.
 * @param {string} label
 * @param {HTMLElement} content
 */
function wide(label, content) {
  const box = document.createElement('div');
  box.className = 'wide';
  box.tabIndex = 0;
  box.setAttribute('role', 'group'); // a region would be a landmark, and there may be dozens
  box.setAttribute('aria-label', label);
  box.append(content);
  return box;
}

/**
 * A table. The last column has words, and the others have bytes.
 * @param {string} label
 * @param {readonly string[]} heads
 * @param {readonly (readonly string[])[]} rows
 */
function table(label, heads, rows) {
  const made = document.createElement('table');
  const head = made.createTHead().insertRow();
  for (const text of heads) {
    const cell = textElement('th', text);
    cell.setAttribute('scope', 'col');
    head.append(cell);
  }
  const body = made.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    row.forEach((text, i) => {
      line.append(textElement('td', text, i < row.length - 1 ? 'bytes' : undefined));
    });
  }
  return wide(label, made);
}

/**
 * Says how it went, for screen readers too.
 * @param {string} id
 * @param {string} text
 * @param {boolean} [isWrong]
 */
function say(id, text, isWrong = false) {
  const status = element(`${id}-status`);
  status.textContent = text;
  status.classList.toggle('wrong', isWrong);
}

/**
 * Shows what `make` returns, or why it throws.
 * @param {string} id
 * @param {() => { said: string, shown: readonly Node[] }} make
 */
function show(id, make) {
  try {
    const { said, shown } = make();
    element(`${id}-out`).replaceChildren(...shown);
    say(id, said);
  } catch (error) {
    element(`${id}-out`).replaceChildren();
    say(id, error instanceof Error ? error.message : String(error), true);
  }
}

/**
 * The drawing, the fields and the broken rules of each frame.
 * @param {Uint8Array} bytes
 * @param {import('../../anatomy/frame-judge.js').Side | undefined} from
 */
function framesOf(bytes, from) {
  const views = viewFrames(bytes, from);
  const shown = views.flatMap(({ summary, drawing, fields, broken }) => {
    const pre = textElement('pre', drawing);
    // Read aloud it is noise. The table behind it says the same.
    pre.setAttribute('aria-hidden', 'true');
    const rows = fields.map(({ name, value, meaning }) => [name, value, meaning]);
    return [
      textElement('h3', summary),
      wide('Drawing of the frame, as in section 5.2. The table that follows says the same', pre),
      table('Fields of the frame', ['Field', 'Value', 'What it says'], rows),
      ...broken.map((text) => textElement('p', `Broken rule: ${text}`, 'wrong')),
    ];
  });
  const count = views.reduce((sum, { broken }) => sum + broken.length, 0);
  const frames = views.length === 1 ? '1 frame' : `${views.length} frames`;
  return { said: `${frames}, ${count === 0 ? 'no rule is broken' : `broken rules: ${count}`}.`, shown };
}

/** The side that sends the frame of the first section. */
const sideOfFrame = () =>
  /** @type {import('../../anatomy/frame-judge.js').Side} */ (
    /** @type {HTMLInputElement} */ (document.querySelector('input[name=from]:checked')).value
  );

function showFrame() {
  show('frame', () => framesOf(readHex(input('frame-hex').value), sideOfFrame()));
}

function makeFrameOfText() {
  const key = sideOfFrame() === 'client' ? newKey() : undefined;
  const frame = makeFrame({ opcode: Opcode.TEXT, payload: utf8(input('frame-text').value), key });
  input('frame-hex').value = hexOf(frame, ' ');
  showFrame();
}

onSubmit('frame', makeFrameOfText);
element('frame-hex').addEventListener('input', showFrame);
for (const radio of document.querySelectorAll('input[name=from]')) radio.addEventListener('change', showFrame);
makeFrameOfText();

function showMask() {
  show('mask', () => {
    const steps = maskSteps(utf8(input('mask-text').value), readHex(input('mask-key').value));
    const rows = steps.map(({ index, keyIndex, plain, key, masked }) => [
      String(index),
      `${hexByte(plain)} ${bits(plain)}`,
      `${hexByte(key)} ${bits(key)}`,
      `${hexByte(masked)} ${bits(masked)}`,
      `byte ${index} meets byte ${keyIndex} of the key`,
    ]);
    const masked = hexOf(
      Uint8Array.from(steps, (step) => step.masked),
      ' ',
    );
    return {
      said: masked === '' ? 'An empty payload has nothing to mask.' : `Masked: ${masked}`,
      shown: [table('The payload, byte by byte', ['Byte', 'Payload', 'Key', 'XOR', 'Which bytes'], rows)],
    };
  });
}

onSubmit('mask', () => {
  input('mask-key').value = hexOf(newKey(), ' ');
  showMask();
});
for (const id of ['mask-text', 'mask-key']) element(id).addEventListener('input', showMask);
showMask();

function showAccept() {
  show('accept', () => {
    const typed = input('accept-key').value;
    const { key, guid, joined, sha1, accept } = acceptSteps(typed);
    const shown = [
      ['The key of the client', key],
      ['The GUID, which is the same for all', guid],
      ['Both, one behind the other', joined],
      ['SHA-1 of that, 20 bytes', sha1],
      ['The same in base64: Sec-WebSocket-Accept', accept],
    ].flatMap(([name = '', value = '']) => {
      const dd = document.createElement('dd');
      dd.append(textElement('code', value));
      return [textElement('dt', name), dd];
    });
    const judged = isNonce(typed) ? '' : ' But no client may send this key: it has to be 16 bytes in base64.';
    return { said: `Sec-WebSocket-Accept: ${accept}.${judged}`, shown };
  });
}

onSubmit('accept', () => {
  input('accept-key').value = keyOf(random(NONCE_BYTES));
  showAccept();
});
element('accept-key').addEventListener('input', showAccept);
showAccept();

function showFragments() {
  show('fragments', () => {
    const count = Math.min(8, Math.max(1, Math.trunc(input('fragments-count').valueAsNumber) || 1));
    const ping = input('fragments-ping').checked ? 'here?' : undefined;
    const text = input('fragments-text').value;
    const steps = fragmentSteps(text, { count, ping, newKey });
    const rows = steps.map(({ frame, bytes, payload, soFar, does }) => [frame, bytes, payload, soFar, does]);
    const heads = ['Frame', 'On the wire', 'Unmasked', 'Message so far', 'What the receiver does'];
    return {
      said: `${steps.length} frames bring one message: ${JSON.stringify(text)}.`,
      shown: [table('The frames, one after the other', heads, rows)],
    };
  });
}

onSubmit('fragments', showFragments);
for (const id of ['fragments-text', 'fragments-count', 'fragments-ping']) {
  element(id).addEventListener('input', showFragments);
}
showFragments();

const lessons = /** @type {HTMLSelectElement} */ (document.getElementById('violations-lesson'));
lessons.append(...LESSONS.map(({ name }, i) => new Option(name, String(i))));

/** @type {Conversation} */
let conversation;
/** @type {HTMLTableSectionElement} */
let arrived;

function restart() {
  const lesson = /** @type {import('../lesson.js').Lesson} */ (LESSONS[Number(lessons.value)]);
  conversation = new Conversation(lesson);
  const made = table('The bytes that have arrived', ['Way', 'Byte', 'What the receiver does'], []);
  arrived = /** @type {HTMLTableElement} */ (made.firstElementChild).tBodies[0] ?? document.createElement('tbody');
  element('violations-out').replaceChildren(made);
  say('violations', `${lesson.bytes.length} bytes are on their way.`);
}

/** Lets a byte arrive. @returns {boolean} whether it was the last byte, or brought something */
function oneByte() {
  const step = conversation.step();
  if (step === undefined) {
    say('violations', 'Nothing is on its way any more.');
    return true;
  }
  const { from, to, byte, happened, isDiscarded } = step;
  const waits = isDiscarded ? 'discards it: the connection is over' : 'waits for more';
  const text = happened.length === 0 ? waits : happened.join('; ');
  const line = arrived.insertRow();
  line.append(
    textElement('td', `${from} → ${to}`, 'bytes'),
    textElement('td', hexByte(byte), 'bytes'),
    textElement('td', `The ${to} ${text}.`),
  );
  // Only the list is scrolled: in the window the button stays where it is.
  const box = /** @type {HTMLElement} */ (element('violations-out').firstElementChild);
  box.scrollTop = box.scrollHeight;
  say('violations', `${hexByte(byte)} arrives. The ${to} ${text}. On their way: ${conversation.waiting} bytes.`);
  return happened.length > 0;
}

onSubmit('violations', oneByte);
element('violations-event').addEventListener('click', () => {
  while (!oneByte()) {
    // Each call takes one byte off, so that this ends.
  }
});
element('violations-restart').addEventListener('click', restart);
lessons.addEventListener('change', restart);
restart();

const MAX_LIVE_MESSAGES = 20;
const path = /** @type {HTMLMetaElement} */ (document.querySelector('meta[name=socket]')).content;
const url = location.origin.replace(/^http/, 'ws') + path + location.search;
/** @type {WebSocket | undefined} */
let socket;

/**
 * Shows a frame as it would be on the wire, the newest on top.
 * @param {import('../../anatomy/frame-judge.js').Side} from
 * @param {number} opcode
 * @param {Uint8Array} payload
 */
function showLive(from, opcode, payload) {
  const frame = makeFrame({ opcode, payload, key: from === 'client' ? newKey() : undefined });
  const box = document.createElement('article');
  const { shown } = framesOf(frame, from);
  box.append(textElement('h3', from === 'client' ? 'To the server' : 'From the server'), ...shown);
  const out = element('live-out');
  out.prepend(box);
  while (out.children.length > MAX_LIVE_MESSAGES) out.lastElementChild?.remove();
}

/** @param {string} text */
function sendLive(text) {
  if (socket?.readyState === WebSocket.OPEN) {
    socket.send(text);
    showLive('client', Opcode.TEXT, utf8(text));
    return;
  }
  say('live', `connecting to ${url}`);
  const opened = new WebSocket(url);
  socket = opened;
  opened.binaryType = 'arraybuffer';
  opened.onopen = () => {
    say('live', `connected to ${url}`);
    sendLive(text);
  };
  opened.onmessage = ({ data }) => {
    if (typeof data === 'string') showLive('server', Opcode.TEXT, utf8(data));
    else showLive('server', Opcode.BINARY, new Uint8Array(data));
    say('live', 'The server has sent a message.');
  };
  opened.onclose = ({ code, reason, wasClean }) => {
    if (wasClean && code !== 1005) showLive('server', Opcode.CLOSE, joinCloseStatus(code, utf8(reason)));
    say('live', `closed: ${code} ${reason}`);
  };
}

onSubmit('live', () => {
  if (socket?.readyState === WebSocket.CONNECTING) return;
  sendLive(input('live-text').value);
});
element('live-close').addEventListener('click', () => {
  if (socket?.readyState !== WebSocket.OPEN) {
    say('live', 'There is no connection: send something first.');
    return;
  }
  socket.close(1000);
  showLive('client', Opcode.CLOSE, joinCloseStatus(1000, new Uint8Array(0)));
});
