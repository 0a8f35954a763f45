import { describe, expect, test } from 'vitest';
import { problemOfOpen } from '../../dist/connection/open-answer.js';

describe('what open returns is taken for a refusal, which refuses nobody,', () => {
  test.each([300, 302, 399, 401, 499, 500, 599, '302', '403', '599'])('if it has the status %o', (status) => {
    for (const answer of [{ status }, { statusCode: status }, { status: undefined, statusCode: status, body: '' }]) {
      expect(problemOfOpen(answer)).toMatch(`it returned the status ${status}, which refuses nobody:`);
    }
  });

  test('if it is false', () => {
    expect(problemOfOpen(false)).toMatch(/^it returned false, which refuses nobody: .* do not return it$/);
  });
});

test.each([undefined, null, true, 0, 403, '403', {}, [], () => {}, { statuses: 403 }, Object.create({ status: 403 })])(
  'what means nothing is no problem: %o',
  (answer) => expect(problemOfOpen(answer)).toBeUndefined(),
);

test.each([101, 200, 299, 600, 4010, 40, 403.5, '', '4 03', ' 403', 'open', true, null, undefined, [403]])(
  'a status that refuses nobody anywhere is no problem: %o',
  (status) => expect(problemOfOpen({ status, statusCode: status })).toBeUndefined(),
);
