import { describe, expect, it } from 'vitest';
import { Admission, type AdmissionOptions, networkOf } from '../../dist/primary/admission.js';
import { hostRule, originRule } from '../../dist/primary/origin.js';

const OPEN: AdmissionOptions = {
  maxConnections: 1000,
  maxConnectionsPerIp: 0,
  allowedOrigins: undefined,
  allowedHosts: undefined,
};
const APPLICANT = { host: 'localhost', origin: undefined, remoteAddress: '192.0.2.1', isCounted: false };

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

describe('admission', () => {
  it('asks first for the host, then for the origin, then for room', () => {
    const options = { ...OPEN, maxConnections: 1, allowedHosts: hostRule(['ours.example']) };
    const admission = new Admission(options);
    admission.include({ load: 1 });
    const judge = (host: string, origin?: string) => admission.judge({ ...APPLICANT, host, origin });
    expect(judge('foreign.example', 'http://evil.example')).toMatchObject({
      status: 403,
      body: expect.stringContaining('--allow-host'),
    });
    expect(judge('ours.example', 'http://evil.example')).toMatchObject({
      status: 403,
      body: expect.stringContaining('--allow-origin'),
    });
    expect(judge('ours.example', 'http://ours.example')).toMatchObject({ status: 503 });
    expect(judge('ours.example')).toMatchObject({ status: 503, body: expect.stringContaining('maxConnections') });
  });

  it('lets those in that say no origin, and by default pages of the same', () => {
    const admission = new Admission(OPEN);
    expect(admission.judge(APPLICANT)).toBeUndefined();
    expect(admission.judge({ ...APPLICANT, origin: 'http://localhost' })).toBeUndefined();
    expect(admission.judge({ ...APPLICANT, origin: 'null' })).toMatchObject({ status: 403 });
    const strict = new Admission({ ...OPEN, allowedOrigins: originRule([]) });
    expect(strict.judge(APPLICANT)).toBeUndefined();
    expect(strict.judge({ ...APPLICANT, origin: 'http://localhost' })).toMatchObject({ status: 403 });
  });

  it('has hosts of its own that an option overrules', () => {
    const defaults = hostRule(['localhost']);
    const admission = new Admission(OPEN);
    expect(admission.allowsHost('anything.example')).toBe(true);
    admission.defaultHosts = defaults;
    expect(admission.allowsHost('anything.example')).toBe(false);
    const told = new Admission({ ...OPEN, allowedHosts: hostRule(['told.example']) });
    told.defaultHosts = defaults;
    expect(told.allowsHost('told.example')).toBe(true);
    expect(told.allowsHost('localhost')).toBe(false);
  });

  it('lets in as many as there may be, and others when some have left', () => {
    const some = { load: 1 };
    const admission = new Admission({ ...OPEN, maxConnections: 3 });
    admission.include(some);
    admission.include({ load: 1 });
    expect(admission.judge(APPLICANT)).toBeUndefined();
    some.load = 2;
    expect(admission.judge(APPLICANT)).toMatchObject({ status: 503 });
    some.load = 3;
    expect(admission.judge(APPLICANT)).toMatchObject({ status: 503 });
    some.load = 1;
    expect(admission.judge(APPLICANT)).toBeUndefined();
  });

  it('counts by address, a /64 being one', () => {
    const admission = new Admission({ ...OPEN, maxConnectionsPerIp: 2 });
    const isIn = (remoteAddress: string) => admission.judge({ ...APPLICANT, remoteAddress }) === undefined;
    admission.enter(1, { remoteAddress: '2001:db8::1' });
    expect(isIn('2001:db8::2')).toBe(true);
    admission.enter(2, { remoteAddress: '2001:db8::2' });
    expect(isIn('2001:db8:0:0:ffff::3')).toBe(false);
    expect(isIn('2001:db8:0:1::1')).toBe(true);
    admission.enter(3, { remoteAddress: '192.0.2.1' });
    admission.enter(4, { remoteAddress: '::ffff:192.0.2.1' });
    expect(isIn('192.0.2.1')).toBe(false);
    expect(isIn('192.0.2.2')).toBe(true);
    admission.leave(3);
    expect(isIn('::ffff:192.0.2.1')).toBe(true);
    expect(isIn('2001:db8::1')).toBe(false);
  });

  it('counts who leaves once, and nobody who has not entered', () => {
    const admission = new Admission({ ...OPEN, maxConnectionsPerIp: 2 });
    const isIn = () => admission.judge(APPLICANT) === undefined;
    admission.leave(1);
    admission.enter(1, APPLICANT);
    admission.enter(2, APPLICANT);
    admission.leave(99);
    expect(isIn()).toBe(false);
    admission.leave(1);
    admission.leave(1);
    admission.enter(3, APPLICANT);
    expect(isIn()).toBe(false);
  });

  it('keeps nothing of an address that has no connections any more', () => {
    const admission = new Admission({ ...OPEN, maxConnectionsPerIp: 2 });
    for (let i = 0; i < 1000; i++) admission.enter(i, { remoteAddress: `10.0.${i >> 8}.${i & 255}` });
    admission.enter('again', { remoteAddress: '10.0.0.1' });
    expect(admission.addresses).toBe(1000);
    for (let i = 0; i < 1000; i++) admission.leave(i);
    expect(admission.addresses).toBe(1);
    admission.leave('again');
    expect(admission.addresses).toBe(0);
  });

  it('does not count again what counts already', () => {
    const admission = new Admission({ ...OPEN, maxConnections: 1, maxConnectionsPerIp: 1 });
    admission.include({ load: 1 });
    admission.enter('a socket', APPLICANT);
    expect(admission.judge(APPLICANT)).toMatchObject({ status: 503 });
    expect(admission.judge({ ...APPLICANT, isCounted: true })).toBeUndefined();
    expect(admission.judge({ ...APPLICANT, isCounted: true, origin: 'http://evil.example' })).toMatchObject({
      status: 403,
    });
  });

  it('does not judge by an address that is not known', () => {
    const admission = new Admission({ ...OPEN, maxConnectionsPerIp: 1 });
    admission.enter(1, {});
    expect(admission.judge({ ...APPLICANT, remoteAddress: undefined })).toBeUndefined();
  });
});
