import { BlockList } from 'node:net';
import { shown } from '../options/shown.js';
import { readIpAddress, showIpAddress } from '../protocol/opening/ip-address.js';

/** The networks that have a name. */
const NAMED: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1'],
  // RFC 1918 and RFC 4193: addresses that no packet from the internet has.
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};

/** The name for all unix sockets: who may connect to one is a matter of its permissions. */
const UNIX = 'unix';

/** The first bytes of an IPv4 address that is written as IPv6 (RFC 4291 section 2.5.5.2). */
const MAPPED = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

interface Network {
  readonly bytes: Uint8Array;
  readonly prefix: number;
}

/** The peers that are believed when they tell the address of their client. Each thread makes its own from the list. */
export class TrustedProxies {
  /** A list for each family, because a network of IPv6 in a list of both contains IPv4 addresses too: `::/80` has all of them. */
  readonly #networks = { ipv4: new BlockList(), ipv6: new BlockList() } as const;
  readonly #trustsUnix: boolean;

  /**
   * @param list addresses, networks like `10.0.0.0/8`, and the names `loopback`, `private` and `unix`.
   * @throws Error that says what a list may hold, and names the entry that it may not hold.
   */
  constructor(list: readonly string[]) {
    this.#trustsUnix = list.includes(UNIX);
    for (const entry of list) {
      if (entry === UNIX) continue;
      const networks = Object.hasOwn(NAMED, entry) ? NAMED[entry] : undefined;
      for (const network of networks ?? [entry]) this.#add(readNetwork(network));
    }
  }

  #add({ bytes, prefix }: Network): void {
    const family = familyOf(bytes);
    this.#networks[family].addSubnet(showIpAddress(bytes), prefix, family);
  }

  /** Whether a peer is believed. @param address undefined for the peer of a unix socket. */
  trusts(address: string | undefined): boolean {
    if (address === undefined) return this.#trustsUnix;
    // Node writes the zone of a link-local address behind it.
    const read = readIpAddress(address.split('%', 1)[0] as string);
    if (read === undefined) return false;
    const bytes = isMapped(read) ? read.subarray(MAPPED.length) : read;
    const family = familyOf(bytes);
    return this.#networks[family].check(showIpAddress(bytes), family);
  }
}

/** @throws Error */
function readNetwork(entry: string): Network {
  const [address = '', length, ...others] = entry.split('/');
  const bytes = readIpAddress(address);
  const isNumber = length === undefined || /^(?:0|[1-9]\d{0,2})$/.test(length);
  const bits = bytes === undefined ? Number.NaN : bytes.length * 8;
  const prefix = Number(length ?? bits);
  if (bytes === undefined || others.length > 0 || !isNumber || prefix > bits) {
    const allowed = "addresses, networks like '10.0.0.0/8', or the names loopback, private and unix";
    throw new Error(`must be ${allowed}, got ${shown(entry)}`);
  }
  const masked = bytes.map((byte, i) => byte & (0xff << Math.max(0, Math.min(8, 8 * (i + 1) - prefix))));
  if (!masked.every((byte, i) => byte === bytes[i])) {
    const network = `'${showIpAddress(masked)}/${prefix}'`;
    throw new Error(`must have no bits behind the prefix: write '${address}' or ${network}, got ${shown(entry)}`);
  }
  const network =
    isMapped(bytes) && prefix >= 96 ? { bytes: bytes.subarray(12), prefix: prefix - 96 } : { bytes, prefix };
  if (network.prefix > 0) return network;
  throw new Error(`must not be every address, because each client could then choose its own, got ${shown(entry)}`);
}

function isMapped(bytes: Uint8Array): boolean {
  return bytes.length === 16 && MAPPED.every((byte, i) => byte === bytes[i]);
}

function familyOf(bytes: Uint8Array): 'ipv4' | 'ipv6' {
  return bytes.length === 4 ? 'ipv4' : 'ipv6';
}
