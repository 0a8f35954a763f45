import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addTlsFlags, namingTlsFlags, TLS_FLAG_NAMES, tlsOf } from '../../dist/cli/tls-flags.js';
import { readTlsOptions } from '../../dist/tls/read-tls-options.js';

function parse(...args: readonly string[]) {
  const command = new Command();
  addTlsFlags(command);
  return tlsOf(command.parse(args, { from: 'user' }));
}

describe('the flags of TLS', () => {
  it('are no option if none is given', () => {
    expect(parse()).toEqual({});
  });

  it('make one option, with the URLs of files from the working directory', () => {
    const flags = ['--tls-cert', 'a.crt', '--tls-key=/b/a.key', '--tls-ca', 'ca.crt', '--tls-min-version', 'TLSv1.3'];
    expect(parse(...flags, '--tls-request-cert')).toEqual({
      tls: {
        cert: pathToFileURL(resolve('a.crt')),
        key: new URL('file:///b/a.key'),
        ca: pathToFileURL(resolve('ca.crt')),
        requestCert: true,
        minVersion: 'TLSv1.3',
      },
    });
    expect(parse('--tls-request-cert', 'optional')).toEqual({ tls: { requestCert: 'optional' } });
  });

  it('take names that a shell would have to quote', () => {
    const { tls } = parse('--tls-cert', 'a b#%41.crt', '--tls-key', 'k?.key');
    const { byDefault } = readTlsOptions(tls);
    expect([byDefault.cert, byDefault.key]).toEqual([
      [{ kind: 'file', path: resolve('a b#%41.crt') }],
      [{ kind: 'file', path: resolve('k?.key') }],
    ]);
  });

  it.each(['--tls-cert', '--tls-key', '--tls-ca'])(
    'must not be empty: %s, as of a variable that is not set',
    (flag) => {
      expect(() => parse(`${flag}=`)).toThrow(
        expect.objectContaining({ code: 'WSLOOM_CONFIG', message: `${flag} must be the path of a file, got ""` }),
      );
    },
  );

  it('are what lines of the log about their parts name', () => {
    const lines: string[] = [];
    const take = (line: string) => void lines.push(line);
    const log = namingTlsFlags({ info: take, warn: take, error: take });
    log.warn('tls: cannot be used: tls.cert /a.crt does not belong to the key /tls.key');
    log.info('tls: the files have changed');
    log.error('a hook: tls.cert is mine');
    expect(lines).toEqual([
      'tls: cannot be used: --tls-cert /a.crt does not belong to the key /tls.key',
      'tls: the files have changed',
      'a hook: tls.cert is mine',
    ]);
  });

  it('are what errors of their parts are about', () => {
    expect(TLS_FLAG_NAMES).toEqual({
      'tls.cert': '--tls-cert',
      'tls.key': '--tls-key',
      'tls.ca': '--tls-ca',
      'tls.requestCert': '--tls-request-cert',
      'tls.minVersion': '--tls-min-version',
    });
  });
});
