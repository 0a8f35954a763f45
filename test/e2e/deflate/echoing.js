/**
 * Sends messages of many sizes to a server that echoes, and compares what comes back. It runs in browsers and in Node: it needs
 * nothing but what both have.
 */

const SIZES = [0, 1, 125, 126, 64 * 1024, 1024 * 1024];
/** In UTF-8 one to four bytes each. */
const CHARACTERS = [...'aeiou tnrs', ...'äößé', ...'日本語', ...'😀🎉'];

/** Random numbers from 0 to less than `end`, the same ones in every run: xorshift (Marsaglia, 2003). */
function dice(seed) {
  let x = seed;
  return (end) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return Math.floor(((x >>> 0) / 2 ** 32) * end);
  };
}

function randomText(size) {
  const below = dice(size + 1);
  const parts = [];
  for (let length = 0; length < size; length += 32) {
    parts.push(String.fromCharCode(...Array.from({ length: Math.min(32, size - length) }, () => 32 + below(95))));
  }
  return parts.join('');
}

function mixedText(size) {
  const below = dice(size + 2);
  let text = '';
  while (text.length < size) text += CHARACTERS[below(CHARACTERS.length)];
  return text;
}

function randomBytes(size) {
  const below = dice(size + 3);
  return Uint8Array.from({ length: size }, () => below(256));
}

/** Every kind of content in every size, texts and binary. Sizes of mixed texts are in units of UTF-16, the others in bytes. */
const MESSAGES = SIZES.flatMap((size) => [
  'all the same, '.repeat(Math.ceil(size / 14)).slice(0, size),
  randomText(size),
  mixedText(size),
  randomBytes(size),
  new Uint8Array(size).fill(7),
]);

/** Without those that take long. */
const SMALLER_MESSAGES = MESSAGES.filter(({ length }) => length <= 64 * 1024);

/** The bytes of messages without frames. */
function sizeOf(messages) {
  return messages.reduce(
    (sum, data) => sum + (typeof data === 'string' ? new TextEncoder().encode(data) : data).length,
    0,
  );
}

/** A WebSocket as browsers have it, as something that sends, and that is asked for the next message. */
export async function channelOf(socket) {
  const came = [];
  const waiting = [];
  let end;
  socket.binaryType = 'arraybuffer';
  socket.addEventListener('message', ({ data }) => {
    const message = typeof data === 'string' ? data : new Uint8Array(data);
    const first = waiting.shift();
    if (first === undefined) came.push(message);
    else first.resolve(message);
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('close', ({ code, reason }) => {
      end = new Error(`the connection was closed with ${code} ${reason}`);
      reject(end);
      for (const each of waiting.splice(0)) each.reject(end);
    });
  });
  return {
    send: (data) => socket.send(data),
    next: () => {
      if (came.length > 0) return Promise.resolve(came.shift());
      if (end !== undefined) return Promise.reject(end);
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    close: () => socket.close(1000),
  };
}

/** What is wrong with a message that came back: nothing, or a line. */
function compare(want, got) {
  const show = (data) => `${typeof data === 'string' ? 'text' : 'binary'} of ${data.length}`;
  if (typeof want !== typeof got || want.length !== got.length) return [`${show(want)} came as ${show(got)}`];
  const isSame = typeof want === 'string' ? want === got : want.every((byte, i) => byte === got[i]);
  return isSame ? [] : [`${show(want)} came with another content`];
}

/**
 * Sends all messages at once, and then one by one from the last to the first, without the largest.
 * @returns how many came back, and what was wrong with them
 */
export async function echoAll({ send, next }) {
  const wrong = [];
  for (const data of MESSAGES) send(data);
  for (const data of MESSAGES) wrong.push(...compare(data, await next()));
  for (const data of SMALLER_MESSAGES.toReversed()) {
    send(data);
    wrong.push(...compare(data, await next()));
  }
  const sent = [...MESSAGES, ...SMALLER_MESSAGES];
  return { count: sent.length, bytes: sizeOf(sent), wrong };
}

/**
 * Sends the same short text again and again. It is as long as the smallest window can refer back to, and compresses badly by itself.
 * @returns as {@link echoAll}
 */
export async function repeat({ send, next }) {
  const text = randomText(200);
  const wrong = [];
  for (let i = 0; i < 50; i++) {
    send(text);
    wrong.push(...compare(text, await next()));
  }
  return { count: 50, bytes: 50 * text.length, wrong };
}

/**
 * Publishes all messages by the first of some connections to a server that broadcasts. All of them get each message.
 * @returns as {@link echoAll}
 */
export async function publishAll(channels) {
  const wrong = [];
  for (const data of SMALLER_MESSAGES) channels[0].send(data);
  for (const channel of channels) {
    for (const data of SMALLER_MESSAGES) wrong.push(...compare(data, await channel.next()));
  }
  return { count: channels.length * SMALLER_MESSAGES.length, bytes: channels.length * sizeOf(SMALLER_MESSAGES), wrong };
}
