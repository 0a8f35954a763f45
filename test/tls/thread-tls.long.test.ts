import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { rotateTicketKeys, type TlsMaterial } from '../../dist/tls/tls-material.js';
import type { TlsOptions } from '../../dist/tls/tls-options.js';
import { materialOf, pair, pem } from './certificates.js';
import { type Attempt, Rig, type Version } from './rig.js';

const own = pair('default');
const ca = pem('clients-ca.crt');
const otherCa = pem('other-clients-ca.crt');
const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3'];

const rigs: Rig[] = [];
afterEach(() => {
  for (const rig of rigs.splice(0)) rig[Symbol.dispose]();
});

async function open(tls: TlsOptions | TlsMaterial, callsAsMethod = true): Promise<Rig> {
  // As it comes to another thread.
  const rig = await Rig.open(structuredClone('rules' in tls ? tls : await materialOf(tls)), callsAsMethod);
  rigs.push(rig);
  return rig;
}

describe.each(VERSIONS)('names over %s', (version) => {
  it('get their certificates, and all others get that of the default', async () => {
    const rig = await open({ ...own, sni: { 'a.example': pair('a'), '*.b.example': pair('b') } });
    const shown = async (servername?: string) =>
      (await rig.connect({ version, ...(servername === undefined ? {} : { servername }) })).shown;
    expect(await shown()).toBe('default');
    expect(await shown('a.example')).toBe('a');
    expect(await shown('A.EXAMPLE')).toBe('a');
    expect(await shown('x.b.example')).toBe('b');
    expect(await shown('x.y.b.example')).toBe('default');
    expect(await shown('elsewhere.example')).toBe('default');
  });

  it('get the encrypted key, and the chain, too', async () => {
    const encrypted = { ...own, key: pem('encrypted.key'), passphrase: 'sentinel-passphrase' };
    const rig = await open({ ...pair('a'), sni: { localhost: encrypted } });
    expect(await rig.connect({ version, servername: 'localhost' })).toMatchObject({
      answer: 'admitted',
      shown: 'default',
    });
  });
});

describe('the lowest version', () => {
  it.each(['a.example', undefined])('is kept to for the name %s', async (servername) => {
    const rig = await open({ ...own, minVersion: 'TLSv1.3', sni: { 'a.example': pair('a') } });
    const name = servername === undefined ? {} : { servername };
    expect((await rig.connect({ ...name, version: 'TLSv1.2' })).answer).toBe('');
    expect(await rig.connect({ ...name, version: 'TLSv1.3' })).toMatchObject({
      answer: 'admitted',
      version: 'TLSv1.3',
    });
  });
});

describe('the cipher suite', () => {
  const [strong, weak] = ['ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-AES128-GCM-SHA256'];

  it.each([
    [`${strong}:${weak}`, strong],
    [`${weak}:${strong}`, weak],
  ])('is the first of the server, which has %s, whatever the client prefers', async (ciphers, first) => {
    const rig = await open({ ...own, ciphers, sni: { 'a.example': pair('a') } });
    for (const servername of ['a.example', 'elsewhere.example']) {
      for (const preferred of [`${weak}:${strong}`, `${strong}:${weak}`]) {
        const { cipher } = await rig.connect({ servername, version: 'TLSv1.2', ciphers: preferred });
        expect(cipher).toBe(first);
      }
    }
  });
});

/** How one client fares: whether it is admitted, authorized, why not, and whether it has shown its certificate. */
async function fate(rig: Rig, attempt: Attempt) {
  const before = rig.verdicts.length;
  const { answer } = await rig.connect(attempt);
  const verdict = rig.verdicts[before];
  const shows = rig.clients[before];
  // Without a verdict the handshake has failed.
  return [answer === 'admitted', verdict?.isAuthorized ?? false, verdict?.reason ?? '', shows ?? ''].join(' ').trim();
}

describe.each(VERSIONS)('client certificates over %s', (version) => {
  const REFUSED = 'false false';

  it('are required by some names, asked for by others, and not asked for by the rest', async () => {
    const rig = await open({
      ...own,
      sni: {
        'strict.b.example': { ...pair('b'), ca, requestCert: true },
        'lax.b.example': { ...pair('b'), ca: otherCa, requestCert: 'optional' },
        'a.example': pair('a'),
      },
    });
    const of = (servername: string, client?: string) =>
      fate(rig, { version, servername, ...(client === undefined ? {} : { client }) });
    expect(await of('strict.b.example', 'client')).toBe('true true  client');
    expect(await of('strict.b.example', 'other-client')).toBe(
      `${REFUSED} UNABLE_TO_VERIFY_LEAF_SIGNATURE other-client`,
    );
    expect(await of('strict.b.example', 'expired-client')).toBe(`${REFUSED} CERT_HAS_EXPIRED expired-client`);
    expect(await of('strict.b.example', 'default')).toBe(`${REFUSED} UNABLE_TO_VERIFY_LEAF_SIGNATURE default`);
    expect(await of('strict.b.example')).toBe(REFUSED);
    expect(await of('lax.b.example', 'other-client')).toBe('true true  other-client');
    expect(await of('lax.b.example', 'client')).toBe('true false UNABLE_TO_VERIFY_LEAF_SIGNATURE client');
    expect(await of('lax.b.example')).toBe('true false NO_CERTIFICATE');
    // It has a certificate, and is not asked for it.
    expect(await of('a.example', 'client')).toBe('true false');
    expect(await of('elsewhere.example', 'client')).toBe('true false');
  });

  it('are judged the same where Node has no way to ask by name, and then all clients are asked', async () => {
    const sni = { 'strict.b.example': { ...pair('b'), ca, requestCert: true }, 'a.example': pair('a') };
    const rig = await open({ ...own, sni }, false);
    const of = (servername: string, client?: string) =>
      fate(rig, { version, servername, ...(client === undefined ? {} : { client }) });
    expect(await of('strict.b.example', 'client')).toBe('true true  client');
    expect(await of('strict.b.example', 'other-client')).toContain(REFUSED);
    expect(await of('strict.b.example')).toBe(`${REFUSED} NO_CERTIFICATE`);
    expect(await of('a.example', 'client')).toBe('true false  client');
    expect(await of('a.example')).toBe('true false');
  });

  it('are required by the default, so of clients without a name and with unknown names', async () => {
    const rig = await open({
      ...own,
      ca,
      requestCert: true,
      sni: { 'a.example': { ...pair('a'), requestCert: false } },
    });
    for (const name of [{}, { servername: 'elsewhere.example' }]) {
      expect(await fate(rig, { version, ...name, client: 'client' })).toBe('true true  client');
      expect(await fate(rig, { version, ...name, client: 'other-client' })).toContain(REFUSED);
      expect(await fate(rig, { version, ...name })).toContain(REFUSED);
    }
    expect(await fate(rig, { version, servername: 'a.example' })).toBe('true false');
  });

  it('are required by all names', async () => {
    const rig = await open({ ...own, ca, requestCert: true, sni: { 'a.example': pair('a') } });
    for (const name of [{}, { servername: 'a.example' }]) {
      expect(await fate(rig, { version, ...name, client: 'client' })).toBe('true true  client');
      const unknown = await fate(rig, { version, ...name, client: 'other-client' });
      expect(unknown).toBe('false false UNABLE_TO_VERIFY_LEAF_SIGNATURE other-client');
    }
    expect(await fate(rig, { version, servername: 'a.example' })).toBe(REFUSED); // by an alert
    expect(await fate(rig, { version })).toBe('false false NO_CERTIFICATE'); // names none: there is no alert
  });

  it('of a public authority are nothing to a name that has its own', async () => {
    const rig = await open({ ...own, ca: pem('servers-ca.crt'), requestCert: true });
    // Its issuer is trusted, and it is for servers only.
    expect(await fate(rig, { version, client: 'default' })).toBe('false false INVALID_PURPOSE default');
  });

  it('say by an alert that one is missing', async () => {
    const rig = await open({ ...own, sni: { 'b.example': { ...pair('b'), ca, requestCert: true } } });
    expect((await rig.connect({ version, servername: 'b.example' })).error).toMatch(/ALERT/);
  });
});

describe('the verdict on a client', () => {
  const socket = {
    servername: 'b.example',
    authorized: true,
    authorizationError: undefined as unknown as Error,
    isSessionReused: () => false,
    getPeerX509Certificate: () => ({}) as never,
  };
  const judge = async (more: object) =>
    (await open({ ...own, sni: { 'b.example': { ...pair('b'), ca, requestCert: true } } })).tls.judge({
      ...socket,
      ...more,
    });

  it('admits a client that is authorized', async () => {
    expect(await judge({})).toEqual({ isAdmitted: true, isAuthorized: true, reason: undefined });
  });

  it.each<[string, object, string]>([
    [
      'Node says it is authorized, and there is no certificate',
      { getPeerX509Certificate: () => undefined },
      'NO_CERTIFICATE',
    ],
    ['its session was resumed', { isSessionReused: () => true }, 'SESSION_REUSED'],
    ['Node gives no reason', { authorized: false }, 'NOT_VERIFIED'],
    ['its certificate was not asked for', { authorized: false, authorizationError: 'X' }, 'X'],
  ])('refuses it if %s', async (_, more, reason) => {
    expect(await judge(more)).toEqual({ isAdmitted: false, isAuthorized: false, reason });
  });
});

it('a connection of TLS 1.2 cannot begin anew under another name', async () => {
  const rig = await open(own);
  rig.keepsOpen = true;
  const onSecure = (socket: TLSSocket) => {
    socket.renegotiate({}, () => socket.end());
  };
  const { error } = await rig.connect({ version: 'TLSv1.2', onSecure });
  expect(error).toBe('ERR_SSL_NO_RENEGOTIATION');
});

describe('the host of a request', () => {
  const sni = { 'a.example': pair('a'), '*.b.example': { ...pair('b'), ca, requestCert: true } };

  it.each([
    ['a.example', 'a.example', true],
    ['a.example', 'A.example.:8443', true],
    ['a.example', 'x.b.example', false],
    ['a.example', 'x.b.example:443', false],
    ['a.example', 'elsewhere.example', false],
    ['x.b.example', 'y.b.example', true],
    ['x.b.example', 'a.example', false],
    [undefined, '127.0.0.1:8443', true],
    [undefined, '[::1]:8443', true],
    [undefined, '[::1]', true],
    [false, 'elsewhere.example', true],
    [undefined, 'x.b.example', false],
    ['elsewhere.example', 'x.b.example:', false],
  ] as const)('on a connection for %s, %s may be asked for: %s', async (servername, host, may) => {
    expect((await open({ ...own, sni })).tls.covers(servername, host)).toBe(may);
  });

  it('may be any as long as no name asks for certificates', async () => {
    const rig = await open({ ...own, sni: { 'a.example': pair('a') } });
    expect(rig.tls.covers('a.example', 'elsewhere.example')).toBe(true);
  });
});

describe.each(VERSIONS)('sessions over %s', (version) => {
  const names: TlsOptions = { ...own, sni: { 'a.example': pair('a'), '*.b.example': pair('b') } };

  it('are resumed by the same thread and by others', async () => {
    const material = await materialOf(names);
    const [first, second] = [await open(material), await open(material)];
    const { session } = await first.connect({ version, servername: 'a.example' });
    for (const rig of [first, second]) {
      const again = await rig.connect({ version, servername: 'a.example', session });
      expect(again).toMatchObject({ isResumed: true, answer: 'admitted' });
    }
  });

  it('are not resumed by another server, after a rotation of keys, or with a time of 0', async () => {
    const material = await materialOf(names);
    const rig = await open(material);
    const { session } = await rig.connect({ version });
    expect((await (await open(names)).connect({ version, session })).isResumed).toBe(false);
    const never = await open({ ...names, sessionTimeout: 0 });
    const unused = await never.connect({ version });
    expect((await never.connect({ version, session: unused.session })).isResumed).toBe(false);
    expect((await rig.connect({ version, session })).isResumed).toBe(true);
    rig.exchange(rotateTicketKeys(material));
    const full = await rig.connect({ version, session });
    expect(full).toMatchObject({ isResumed: false, answer: 'admitted' });
    expect((await rig.connect({ version, session: full.session })).isResumed).toBe(true);
  });

  it('outlive the renewal of a certificate', async () => {
    const before = await materialOf(names);
    const rig = await open(before);
    const { session } = await rig.connect({ version });
    rig.exchange(await materialOf({ ...names, ...pair('renewed') }, before));
    expect((await rig.connect({ version })).shown).toBe('renewed');
    expect((await rig.connect({ version, session })).isResumed).toBe(true);
  });

  const asking: TlsOptions = {
    ...own,
    sni: {
      'a.example': pair('a'),
      'b.example': { ...pair('b'), ca, requestCert: true },
      'c.example': { ...pair('b'), ca, requestCert: 'optional' },
    },
  };
  const NAMES = [undefined, 'a.example', 'b.example', 'c.example'];
  it.each(NAMES.flatMap((from) => NAMES.map((to) => [from, to] as const)))(
    'are never resumed where a name asks for certificates: from %s to %s',
    async (from, to) => {
      const rig = await open(asking);
      const nameOf = (servername: string | undefined) => (servername === undefined ? {} : { servername });
      for (const client of ['client', 'other-client', undefined]) {
        const shown = client === undefined ? {} : { client };
        const { session } = await rig.connect({ version, ...nameOf(from), ...shown });
        const before = rig.verdicts.length;
        const { isResumed, answer } = await rig.connect({ version, ...nameOf(to), session });
        // The second time it shows none.
        expect({ isResumed, answer }).toEqual({ isResumed: false, answer: to === 'b.example' ? '' : 'admitted' });
        expect(rig.verdicts.slice(before).some(({ isAuthorized }) => isAuthorized)).toBe(false);
      }
    },
  );

  it('from when nobody was asked are not resumed once somebody is, nor the other way round', async () => {
    const open0 = await materialOf(names);
    const rig = await open(open0);
    const { session } = await rig.connect({ version, servername: 'x.b.example' });
    const closed = await materialOf(
      { ...names, sni: { ...names.sni, '*.b.example': { ...pair('b'), ca, requestCert: true } } },
      open0,
    );
    rig.exchange(closed);
    for (const servername of ['x.b.example', 'a.example']) {
      const again = await rig.connect({ version, servername, session });
      expect(again.isResumed).toBe(false);
      expect(again.answer).toBe(servername === 'a.example' ? 'admitted' : '');
    }
    const admitted = await rig.connect({ version, servername: 'x.b.example', client: 'client' });
    expect(admitted.answer).toBe('admitted');
    rig.exchange(await materialOf(names, closed));
    expect((await rig.connect({ version, servername: 'x.b.example', session: admitted.session })).isResumed).toBe(
      false,
    );
    expect((await rig.connect({ version, servername: 'x.b.example', session })).isResumed).toBe(false);
  });

  it('are bound to the rules, also if keys were the same', async () => {
    const before = await materialOf(names);
    const rig = await open(before);
    const { session } = await rig.connect({ version, servername: 'a.example' });
    const after = await materialOf({ ...own, sni: { 'a.example': pair('a') } });
    rig.exchange({ ...after, ticketKeys: before.ticketKeys });
    expect((await rig.connect({ version, servername: 'a.example', session })).isResumed).toBe(false);
  });
});

describe.each(VERSIONS)('an exchange over %s', (version) => {
  it('of authorities holds for the next connection', async () => {
    const strict: TlsOptions = { ...own, ca, requestCert: true };
    const rig = await open(strict);
    const { session, answer } = await rig.connect({ version, client: 'client' });
    expect(answer).toBe('admitted');
    rig.exchange(await materialOf({ ...strict, ca: otherCa }));
    expect((await rig.connect({ version, client: 'client', session })).answer).toBe('');
    expect((await rig.connect({ version, session })).answer).toBe('');
    expect((await rig.connect({ version, client: 'other-client' })).answer).toBe('admitted');
  });

  it('of rules holds for the next connection, in both directions', async () => {
    const rig = await open(own);
    expect(await fate(rig, { version, client: 'client' })).toBe('true false');
    rig.exchange(await materialOf({ ...own, ca, requestCert: true }));
    expect(await fate(rig, { version, client: 'client' })).toBe('true true  client');
    expect(await fate(rig, { version })).toBe('false false NO_CERTIFICATE');
    rig.exchange(await materialOf({ ...own, ca, requestCert: 'optional' }));
    expect(await fate(rig, { version })).toBe('true false NO_CERTIFICATE');
    rig.exchange(await materialOf(own));
    expect(await fate(rig, { version })).toBe('true false');
  });

  it('of names brings and takes names', async () => {
    const rig = await open(own);
    const shown = async () => (await rig.connect({ version, servername: 'a.example' })).shown;
    expect(await shown()).toBe('default');
    rig.exchange(await materialOf({ ...own, sni: { 'a.example': pair('a') } }));
    expect(await shown()).toBe('a');
    rig.exchange(await materialOf(own));
    expect(await shown()).toBe('default');
  });
});
