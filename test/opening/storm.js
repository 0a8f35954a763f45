// Clients of backlog-acceptor.long.test.ts: each connects and sends its request while the thread of the server is blocked, so that all wait
// in the kernel when it goes on. Tells what each is answered, when all answers include what is waited for or are at their end.
import { connect } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

const { to, requests, until, sent } = workerData;
const answers = requests.map(() => '');
const sockets = requests.map((request, i) => {
  const socket = connect(to);
  socket.setEncoding('latin1');
  socket.on('error', () => {});
  socket.once('connect', () => {
    socket.write(request, 'latin1', () => {
      Atomics.add(new Int32Array(sent), 0, 1);
      Atomics.notify(new Int32Array(sent), 0);
    });
  });
  socket.on('data', (text) => {
    answers[i] += text;
    tell();
  });
  socket.on('close', () => {
    answers[i] ||= 'closed';
    tell();
  });
  return socket;
});

let isTold = false;

function tell() {
  if (isTold || !answers.every((answer) => answer === 'closed' || answer.includes(until))) return;
  isTold = true;
  parentPort.postMessage(answers);
}

parentPort.on('message', () => {
  for (const socket of sockets) socket.destroy();
  parentPort.close();
});
