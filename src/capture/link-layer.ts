import { dataViewOf } from './data-view-of.js';

/** The link types that are read, as tcpdump.org numbers them: what the bytes of a packet begin with. */
const LinkType = {
  NULL: 0,
  ETHERNET: 1,
  RAW_BSD: 12,
  RAW_OPENBSD: 14,
  RAW: 101,
  LOOP: 108,
  LINUX_SLL: 113,
  IPV4: 228,
  IPV6: 229,
  LINUX_SLL2: 276,
} as const;

const EtherType = { IPV4: 0x0800, IPV6: 0x86dd } as const;

/** What marks a VLAN: IEEE 802.1Q, 802.1ad, and what was in use before that. */
const VLAN_TYPES: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100, 0x9200]);
const VLAN_BYTES = 4;
/** How many VLANs may be one in another. */
const MAX_VLANS = 8;

/** The numbers of IPv4, and of IPv6 in the systems that have the link type NULL. */
const FAMILIES: ReadonlySet<number> = new Set([2, 10, 24, 28, 30]);

/** Takes off a packet what its link has put in front of IP. @returns undefined for what is no IP, and for other links. */
export function ipPacketIn(linkType: number, bytes: Uint8Array): Uint8Array | undefined {
  switch (linkType) {
    case LinkType.ETHERNET:
      return behindEtherType(bytes, 12, 14);
    case LinkType.LINUX_SLL:
      return behindEtherType(bytes, 14, 16);
    case LinkType.LINUX_SLL2:
      return behindEtherType(bytes, 0, 20);
    case LinkType.NULL:
    case LinkType.LOOP:
      return behindFamily(bytes);
    case LinkType.RAW:
    case LinkType.RAW_BSD:
    case LinkType.RAW_OPENBSD:
    case LinkType.IPV4:
    case LinkType.IPV6:
      return bytes;
    default:
      return undefined;
  }
}

/** @param typeAt where the type of what follows is. @param end where the header ends, without VLANs. */
function behindEtherType(bytes: Uint8Array, typeAt: number, end: number): Uint8Array | undefined {
  const view = dataViewOf(bytes);
  let [at, start] = [typeAt, end];
  for (let vlans = 0; vlans <= MAX_VLANS && bytes.length >= start; vlans++) {
    const type = view.getUint16(at);
    if (type === EtherType.IPV4 || type === EtherType.IPV6) return bytes.subarray(start);
    if (!VLAN_TYPES.has(type)) return undefined;
    // Its number comes first, and then the next type.
    at = start + 2;
    start += VLAN_BYTES;
  }
  return undefined;
}

/** The family comes in the byte order of the machine that has captured it, which need not be that of the file. */
function behindFamily(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length < 4) return undefined;
  const view = dataViewOf(bytes);
  const isKnown = FAMILIES.has(view.getUint32(0, true)) || FAMILIES.has(view.getUint32(0, false));
  return isKnown ? bytes.subarray(4) : undefined;
}
