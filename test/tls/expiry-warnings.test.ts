import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { certificateDays } from '../../dist/tls/certificate-days.js';
import { ExpiryWarnings } from '../../dist/tls/expiry-warnings.js';
import type { TlsMaterial } from '../../dist/tls/tls-material.js';
import { materialOf, pair } from './certificates.js';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 27);

let material: TlsMaterial;
let lines: string[];
let warnings: ExpiryWarnings;
beforeEach(async () => {
  material = await materialOf({ ...pair('default'), sni: { 'a.example': pair('a') } });
  vi.useFakeTimers({ now: NOW });
  lines = [];
  warnings = new ExpiryWarnings({ warn: (line) => void lines.push(line) });
});
afterEach(() => {
  warnings.close();
  vi.useRealTimers();
});

/** The material with certificates that are valid for so long from now on. */
function lasting(ownMs: number, ofNameMs = 100 * DAY): TlsMaterial {
  const { byDefault, byName } = material;
  const until = <One>(one: One, ms: number) => ({ ...one, validTo: Date.now() + ms });
  const names = [...byName].map(([name, one]) => [name, until(one, ofNameMs)] as const);
  return { ...material, byDefault: until(byDefault, ownMs), byName: new Map(names) };
}

describe('the days that certificates have left', () => {
  it('are those of the default and of each name', () => {
    expect(certificateDays(lasting(10 * DAY, 3 * DAY - 1), NOW)).toMatchObject([
      { name: undefined, daysLeft: 10, validTo: NOW + 10 * DAY },
      { name: 'a.example', daysLeft: 2 },
    ]);
    expect(certificateDays(lasting(0, -1), NOW).map(({ daysLeft }) => daysLeft)).toEqual([0, -1]);
  });

  it('are those of the first to expire where a name has several certificates', async () => {
    vi.useRealTimers();
    const [rsa, expired] = [pair('default-rsa'), pair('expired')];
    const both = await materialOf({ cert: [rsa.cert, expired.cert], key: [rsa.key, expired.key] });
    expect(certificateDays(both, Date.UTC(2021, 0, 2)).map(({ daysLeft }) => daysLeft)).toEqual([-1]);
  });
});

describe('the log', () => {
  it('says nothing of certificates that are valid for more than 14 days', () => {
    warnings.watch(lasting(14 * DAY + 1));
    expect(lines).toEqual([]);
  });

  it('warns from 14 days on, once a day, and at once when the certificate has expired', () => {
    warnings.watch(lasting(14.5 * DAY));
    vi.advanceTimersByTime(DAY - 1);
    expect(lines).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(lines).toEqual(['tls: the certificate expires in 13 days, on 2026-12-11 12:00']);
    vi.advanceTimersByTime(12 * DAY);
    expect(lines.length).toBe(13);
    expect(lines.at(-1)).toContain('expires in 1 day, on');
    vi.advanceTimersByTime(DAY);
    expect(lines.at(-1)).toContain('expires within a day, on');
    vi.advanceTimersByTime(DAY / 2 - 1);
    expect(lines.length).toBe(14);
    vi.advanceTimersByTime(1);
    expect(lines.at(-1)).toBe('tls: the certificate has expired on 2026-12-11 12:00: clients refuse it');
    vi.advanceTimersByTime(3 * DAY);
    expect(lines.length).toBe(18);
  });

  it('names the name, and warns at once of what has expired or is not valid yet', () => {
    const { byDefault, ...rest } = lasting(100 * DAY, -DAY);
    warnings.watch({ ...rest, byDefault: { ...byDefault, validFrom: NOW + DAY } });
    expect(lines).toEqual([
      'tls: the certificate is valid from 2026-11-28 00:00 on: clients refuse it',
      'tls: the certificate of a.example has expired on 2026-11-26 00:00: clients refuse it',
    ]);
  });

  it('does not repeat a warning when other certificates are exchanged, and ends with one that is renewed', () => {
    warnings.watch(lasting(5 * DAY, 6 * DAY));
    expect(lines.length).toBe(2);
    warnings.watch(lasting(5 * DAY, 200 * DAY));
    expect(lines.length).toBe(2);
    vi.advanceTimersByTime(DAY);
    expect(lines.length).toBe(3);
    warnings.watch(lasting(200 * DAY, 200 * DAY));
    vi.advanceTimersByTime(100 * DAY - 1);
    expect(lines.length).toBe(3);
    warnings.close();
    vi.advanceTimersByTime(200 * DAY);
    expect(lines.length).toBe(3);
  });
});
