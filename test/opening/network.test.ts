import { describe, expect, it } from 'vitest';
import { networkOf } from '../../dist/opening/network.js';

describe('what counts as one address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['::1', '0:0:0:0'],
    ['::', '0:0:0:0'],
    ['1::', '1:0:0:0'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['2001:db8:0:0:1::', '2001:db8:0:0'],
    ['2001:0db8:0000:0000:ffff::1', '2001:db8:0:0'],
    ['2001:DB8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::', '2001:db8:1:2'],
    ['2001:db8:1::2', '2001:db8:1:0'],
    ['1::2:3:4:5:6:7', '1:0:2:3'],
    ['::2001:db8:1:2:3:4:5', '0:2001:db8:1'],
    ['1:2:3::5:6:7:8', '1:2:3:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['fe80:0:0:1::5%1', 'fe80:0:0:1'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0'],
    ['1:2:3:4:5:6:192.0.2.1', '1:2:3:4'],
  ])('%s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  it('is whatever it says, if it is no address', () => {
    expect(networkOf('a proxy said so')).toBe('a proxy said so');
    expect(networkOf('')).toBe('');
  });
});
