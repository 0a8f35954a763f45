import { expect, test } from 'vitest';
import { mayCompress } from '../../dist/connection/send-options.js';
import { ArgumentTypeError } from '../../dist/options/argument-error.js';

test.each([undefined, {}, { compress: true }, { compress: undefined }])(
  '%j lets a message be compressed',
  (options) => {
    expect(mayCompress(options)).toBe(true);
  },
);

test('compress: false does not', () => {
  expect(mayCompress({ compress: false })).toBe(false);
});

test.each([
  [{ compres: false }, "a message has only the option compress, got 'compres'"],
  [{ compress: 0 }, 'compress must be true or false, got 0'],
  [{ compress: null }, 'compress must be true or false, got null'],
  [null, 'the options of a message must be an object, got null'],
  [false, 'the options of a message must be an object, got false'],
])('%j is refused, because it could give a secret away', (options, message) => {
  let error: unknown;
  try {
    mayCompress(options as { compress?: boolean });
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(ArgumentTypeError);
  expect(error).toMatchObject({ code: 'WSLOOM_SEND_OPTIONS', message });
});
