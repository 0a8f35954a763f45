import type { AddressInfo, Server } from 'node:net';
import type { Opening } from './opening.js';
import { loopbackHosts } from './origin.js';
import { type UpgradeClaim, UpgradePaths } from './upgrade-paths.js';

/** Connects an opening handshake to an HTTP server of the application, for some of the paths of that server. */
export class Attachment {
  readonly #http: Server;
  readonly #claim: UpgradeClaim;
  #stopFollowing = () => {};

  /**
   * @param paths the paths that WebSockets are accepted on; undefined for all.
   * @throws ConfigError if another attachment has one of the paths.
   */
  constructor(http: Server, paths: ReadonlySet<string> | undefined) {
    this.#http = http;
    this.#claim = UpgradePaths.of(http).claim(paths);
  }

  /** From now on upgrades on these paths become connections. */
  open(opening: Opening): void {
    const http = this.#http;
    // The names that are answered to by default depend on the address, and the server may listen later, or elsewhere later.
    const follow = () => {
      opening.gate.defaultHosts = hostsOf(http.address());
    };
    http.on('listening', follow);
    this.#stopFollowing = () => http.off('listening', follow);
    follow();
    this.#claim.open((request, socket, head) => opening.takeUpgrade(request, socket, head));
  }

  /** Leaves the HTTP server as it was. */
  release(): void {
    this.#claim.release();
    this.#stopFollowing();
  }
}

/** @param address null for a server that does not listen, a string for one on a pipe: both have no address to be protected. */
function hostsOf(address: AddressInfo | string | null): readonly string[] | undefined {
  return typeof address === 'object' && address !== null ? loopbackHosts(address.address) : undefined;
}
