import { createServer, type Server } from 'node:http';
import { Duplex } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { UpgradePaths } from '../../dist/opening/upgrade-paths.js';

let http: Server;
let paths: UpgradePaths;
beforeEach(() => {
  http = createServer();
  paths = UpgradePaths.of(http);
});

/** A request for an upgrade comes. @returns what is answered to it at once */
function ask(path: string): string {
  let answer = '';
  const socket = new Duplex({
    read() {},
    write(bytes, _encoding, written) {
      answer += bytes;
      written();
    },
  });
  http.emit('upgrade', { headers: { upgrade: 'websocket' }, url: path, socket }, socket, Buffer.alloc(0));
  socket.destroy();
  return answer;
}

const listeners = () => http.listenerCount('upgrade');

describe('the paths of an HTTP server', () => {
  it('are the same for all who ask for those of this server', () => {
    expect(UpgradePaths.of(http)).toBe(paths);
    expect(UpgradePaths.of(createServer())).not.toBe(paths);
  });

  it('have one listener for upgrades as long as one of them is open', () => {
    const [one, other] = [paths.claim(new Set(['/a'])), paths.claim(new Set(['/b']))];
    expect(listeners()).toBe(0);
    one.open(() => {});
    other.open(() => {});
    expect(listeners()).toBe(1);
    one.release();
    one.release();
    expect(listeners()).toBe(1);
    other.release();
    expect(listeners()).toBe(0);
  });

  it('are not opened by who has given them back, and can be claimed anew', () => {
    const claim = paths.claim(new Set(['/a']));
    claim.release();
    claim.open(() => {});
    expect(listeners()).toBe(0);
    expect(() => paths.claim(new Set(['/a', '/b']))).not.toThrow();
    expect(() => paths.claim(new Set(['/c', '/b']))).toThrow('"/b" is attached to this HTTP server already');
    expect(() => paths.claim(new Set(['/c']))).not.toThrow(); // the refused one has taken none
  });

  it('that were never opened are given back without a listener of others', () => {
    const [open, starting] = [paths.claim(new Set(['/a'])), paths.claim(new Set(['/b']))];
    open.open(() => {});
    starting.release();
    expect(listeners()).toBe(1);
  });

  it('are answered for while their owner starts, also if somebody else listens; those of nobody only if nobody does', () => {
    const taken: string[] = [];
    paths.claim(new Set(['/open'])).open(({ url = '' }) => taken.push(url));
    paths.claim(new Set(['/starting']));
    expect([ask('/open'), taken]).toEqual(['', ['/open']]);
    expect(ask('/starting')).toMatch(/^HTTP\/1\.1 503 /);
    expect(ask('/nobodys')).toMatch(/^HTTP\/1\.1 404 /);
    http.on('upgrade', () => {});
    expect(ask('/starting')).toMatch(/^HTTP\/1\.1 503 /);
    expect(ask('/nobodys')).toBe('');
  });
});
