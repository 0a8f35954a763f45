import { describe, expect, it } from 'vitest';
import { Admission, type AdmissionOptions } from '../../dist/primary/admission.js';

const OPEN: AdmissionOptions = { maxConnections: 1000, maxConnectionsPerIp: 0 };
const PEER = { remoteAddress: '192.0.2.1' };

describe('admission', () => {
  it('lets in as many as there may be, and others when some have left', () => {
    const some = { load: 1 };
    const admission = new Admission({ ...OPEN, maxConnections: 3 });
    admission.include(some);
    admission.include({ load: 1 });
    expect(admission.refusalFor(PEER)).toBeUndefined();
    some.load = 2;
    expect(admission.refusalFor(PEER)).toMatchObject({ status: 503 });
    some.load = 3;
    expect(admission.refusalFor(PEER)).toMatchObject({ status: 503 });
    some.load = 1;
    expect(admission.refusalFor(PEER)).toBeUndefined();
  });

  it('has room for as many more as there may be', () => {
    const some = { load: 1 };
    const admission = new Admission({ ...OPEN, maxConnections: 3 });
    admission.include(some);
    expect(admission.room).toBe(2);
    some.load = 5;
    expect(admission.room).toBe(0);
  });

  it('counts by address, a /64 being one', () => {
    const admission = new Admission({ ...OPEN, maxConnectionsPerIp: 2 });
    const isIn = (remoteAddress: string) => admission.refusalFor({ remoteAddress }) === undefined;
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
    const isIn = () => admission.refusalFor(PEER) === undefined;
    admission.leave(1);
    admission.enter(1, PEER);
    admission.enter(2, PEER);
    admission.leave(99);
    expect(isIn()).toBe(false);
    admission.leave(1);
    admission.leave(1);
    admission.enter(3, PEER);
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

  it('judges the address alone of a connection that counts already', () => {
    const admission = new Admission({ maxConnections: 1, maxConnectionsPerIp: 1 });
    admission.include({ load: 1 });
    expect(admission.refusalFor({ remoteAddress: '10.0.0.1' })?.body).toMatch(/maxConnections\)/);
    expect(admission.refusalOfAddress({ remoteAddress: '10.0.0.1' })).toBeUndefined();
    admission.enter(1, { remoteAddress: '10.0.0.1' });
    expect(admission.refusalOfAddress({ remoteAddress: '10.0.0.1' })?.body).toMatch(/maxConnectionsPerIp\)/);
    expect(admission.refusalOfAddress({ remoteAddress: '10.0.0.2' })).toBeUndefined();
    expect(admission.refusalOfAddress({})).toBeUndefined();
    const open = new Admission({ maxConnections: 1, maxConnectionsPerIp: 0 });
    open.enter(1, { remoteAddress: '10.0.0.1' });
    expect(open.refusalOfAddress({ remoteAddress: '10.0.0.1' })).toBeUndefined();
  });

  it('does not judge by an address that is not known', () => {
    const admission = new Admission({ ...OPEN, maxConnectionsPerIp: 1 });
    admission.enter(1, {});
    expect(admission.refusalFor({ remoteAddress: undefined })).toBeUndefined();
  });
});
