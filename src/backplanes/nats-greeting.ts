import { connect } from 'node:net';
import { BackplaneError } from './backplane-error.js';
import { type EngineAddress, shownAddress } from './engine-options.js';
import { firstAnswer } from './first-answer.js';
import type { Secrets } from './secrets.js';

/** A longer greeting than this, in bytes, comes from no server of NATS. */
const MAX_GREETING_BYTES = 64 * 1024;

/** A server of NATS that answers. */
export interface GreetingServer {
  readonly server: EngineAddress;
  /** Whether the client will speak TLS with it. */
  readonly offersTls: boolean;
}

/**
 * Finds a server of NATS that answers: one that says INFO, which a server does first. The official client cannot be stopped while it waits
 * for that. So a server that cannot be reached, or is frozen, is found out here, on a connection that is ended at once.
 * @throws BackplaneError if none answers.
 */
export async function greetingServer(
  servers: readonly EngineAddress[],
  signal: AbortSignal,
  secrets: Secrets,
): Promise<GreetingServer> {
  const ask = async (server: EngineAddress, giveUp: AbortSignal) => {
    try {
      return await greeting(server, giveUp);
    } catch (error) {
      throw secrets.error(shownAddress(server), error);
    }
  };
  try {
    const { address, answer } = await firstAnswer(servers, signal, ask, () => {});
    return { server: address, offersTls: offersTls(answer) };
  } catch (error) {
    throw new BackplaneError(`no server of NATS can be reached: ${(error as Error).message}`);
  }
}

/** The first line that a server says. */
function greeting({ host, port }: EngineAddress, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(new Error('it took too long'));
      return;
    }
    let waitsFor = 'there is no connection';
    const socket = connect({ host, port });
    const end = () => {
      signal.removeEventListener('abort', onAbort);
      // An error that is still to come has no one to tell.
      socket.on('error', () => {}).destroy();
    };
    const fail = (error: Error) => {
      end();
      reject(error);
    };
    const onAbort = () => fail(new Error(`it took too long: ${waitsFor}`));
    signal.addEventListener('abort', onAbort);
    let said = '';
    socket.once('connect', () => {
      waitsFor = 'it says nothing, which a server of NATS does first: is it one?';
    });
    socket.on('data', (bytes) => {
      said += bytes.toString('latin1');
      if (!/^INFO\s/i.test(said) && said.length >= 5) fail(new Error('what answers is no server of NATS'));
      else if (said.length > MAX_GREETING_BYTES) fail(new Error('its greeting has no end'));
      else if (said.includes('\r\n')) {
        end();
        resolve(said.slice(0, said.indexOf('\r\n')));
      }
    });
    socket.once('error', fail);
    socket.once('close', () => fail(new Error('the connection was closed')));
  });
}

/** Whether an INFO says that the server speaks TLS. If it cannot be read, the client will say what is wrong with it. */
function offersTls(info: string): boolean {
  try {
    const said = JSON.parse(info.slice('INFO'.length)) as unknown;
    return ['tls_required', 'tls_available'].some((name) => Reflect.get(Object(said), name) === true);
  } catch {
    return false;
  }
}
