import { isIPv6 } from 'node:net';

/** The network of an address, which counts as one client: an IPv4 address, or a /64 of IPv6, because one customer has that. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1] as string;
  if (!isIPv6(address)) return address;
  const [front = '', back] = (address.split('%', 1)[0] as string).split('::', 2);
  const groups = front === '' ? [] : front.split(':');
  const behind = back === undefined || back === '' ? 0 : back.split(':').length + (back.includes('.') ? 1 : 0);
  while (back !== undefined && groups.length + behind < 8) groups.push('0');
  if (back !== undefined && back !== '') groups.push(...back.split(':'));
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
