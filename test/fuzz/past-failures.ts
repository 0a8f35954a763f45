/**
 * Streams that `npm test` feeds to the framing loop each time, as hex: those that `npm run fuzz` found to fail, and, to
 * begin with, some that were made by hand to be nasty. Where nothing else is said, the masking key is 0.
 */
export const PAST_FAILURES: Readonly<Record<string, string>> = {
  'a length of 2^64 - 1': '82ff ffffffffffffffff 00000000 61',
  'a length of 2^63 - 1, behind a message': '8281 00000000 61 82ff 7fffffffffffffff 00000000',
  'a length of 2^53, which rounds': '82ff 0020000000000000 00000000 61',
  'fragments whose sum overflows 64 bits (CVE-2020-27813)':
    '0282 00000000 6162 00ff 7fffffffffffffff 00000000 80ff 7fffffffffffffff',
  'fragments whose sum overflows 32 bits': '0282 00000000 6162 80ff 00000000fffffffe 00000000',
  'a length of 125 in 16 bits': '82fe 007d 00000000',
  'a length of 65535 in 64 bits': '82ff 000000000000ffff 00000000',
  'a length in 64 bits without its last two bytes': '82ff 000000000000',
  'a surrogate, cut between fragments': '0181 00000000 ed 8082 00000000 a080',
  'an overlong slash behind 15 letters': '8191 00000000 616161616161616161616161616161 c0af',
  'a character of four bytes in four fragments, with pings, an empty fragment and four keys':
    '0181 01020304 f1 8980 00000000 0081 ff000000 60 0080 00000000 8981 0f000000 6e 0081 80000000 18 8081 11111111 91',
  'a text that ends inside a character, in a last fragment that is empty': '0183 00000000 61e282 8080 00000000',
  'a character above U+10FFFF, known by its second byte': '8184 00000000 f4908080',
  'a byte order mark, which stays': '8183 00000000 efbbbf',
  'empty fragments up to a limit of three, a byte, and three more':
    '0280 00000000 0080 00000000 0080 00000000 0081 00000000 61 0080 00000000 0080 00000000 0080 00000000 8080 00000000',
  'empty fragments beyond a limit of three, with pings between them':
    '0280 00000000 8980 00000000 0080 00000000 8980 00000000 0080 00000000 8980 00000000 0080 00000000',
  'a ping of 125 bytes less its last, inside a message': `0281 00000000 61 89fd 00000000 ${'70'.repeat(124)}`,
  'a ping of 126 bytes': '89fe 007e 00000000',
  'a fragmented ping': '0980 00000000',
  'a Close inside a message, and its rest': '0281 00000000 61 8882 00000000 03e8 8081 00000000 62',
  'a Close of one byte': '8881 00000000 03',
  'a Close with 1005': '8882 00000000 03ed',
  'a Close with a reason that is cut inside a character': '8884 00000000 03e8 e282',
  'a new message inside a fragmented one': '0181 00000000 61 8181 00000000 62',
  'a continuation behind a whole message': '8181 00000000 61 8081 00000000 62',
  'an unmasked frame behind half a message': '0181 00000000 61 8001 62',
  'reserved bits with a reserved opcode, unmasked': 'ff 7f',
};
