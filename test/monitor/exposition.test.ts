import { describe, expect, it } from 'vitest';
import { Exposition, parseExposition } from './exposition.js';

const HEAD = '# HELP a_seconds Help.\n# TYPE a_seconds histogram\n';
const BUCKETS = 'a_seconds_bucket{le="1.0"} 2\na_seconds_bucket{le="+Inf"} 3\n';

describe('the parser of metrics', () => {
  it('reads both formats', () => {
    const text = '# HELP b_total It \\\\ is "so".\n# TYPE b_total counter\nb_total{x="a\\"\\\\\\n,}",y=""} 1e+21\n';
    const [family] = parseExposition(text, 'text').values();
    expect(family).toEqual({
      type: 'counter',
      help: 'It \\ is "so".',
      unit: undefined,
      samples: [{ name: 'b_total', labels: { x: 'a"\\\n,}', y: '' }, value: 1e21 }],
    });
    const open = '# HELP c_bytes A \\"b\\".\n# TYPE c_bytes counter\n# UNIT c_bytes bytes\nc_bytes_total 5\n# EOF\n';
    expect(parseExposition(open, 'openmetrics').get('c_bytes')).toMatchObject({ help: 'A "b".', unit: 'bytes' });
    expect(parseExposition(`${HEAD}${BUCKETS}a_seconds_sum 4.5\na_seconds_count 3\n`, 'text').size).toBe(1);
  });

  it('adds up samples, by labels', () => {
    const lines = ['x{a="1",b="1"} 2', 'x{a="1",b="2"} 3', 'x{a="2",b="1"} 4'];
    const text = new Exposition(`# HELP x X.\n# TYPE x gauge\n${lines.join('\n')}\n`);
    expect([text.sum('x'), text.sum('x', { a: '1' }), text.sum('x', { a: '3' })]).toEqual([9, 5, undefined]);
    expect(text.labelsOf('x', 'a')).toEqual(['1', '2']);
  });

  it.each([
    ['a line that does not end', '# HELP x X.\n# TYPE x gauge\nx 1'],
    ['a value without a family', 'x 1\n'],
    ['a value of another family', '# HELP x X.\n# TYPE x gauge\ny 1\n'],
    ['no type', '# HELP x X.\nx 1\n'],
    ['an unknown type', '# HELP x X.\n# TYPE x thing\nx 1\n'],
    ['no value', '# HELP x X.\n# TYPE x gauge\n'],
    ['a family twice', '# HELP x X.\n# TYPE x gauge\nx 1\n# HELP x X.\n# TYPE x gauge\nx{a="1"} 1\n'],
    ['a value twice', '# HELP x X.\n# TYPE x gauge\nx{a="1",b="2"} 1\nx{b="2",a="1"} 1\n'],
    ['a label twice', '# HELP x X.\n# TYPE x gauge\nx{a="1",a="2"} 1\n'],
    ['a label that is not quoted', '# HELP x X.\n# TYPE x gauge\nx{a=1} 1\n'],
    ['a wrong escape', '# HELP x X.\n# TYPE x gauge\nx{a="\\t"} 1\n'],
    ['a comma at the end', '# HELP x X.\n# TYPE x gauge\nx{a="1",} 1\n'],
    ['no number', '# HELP x X.\n# TYPE x gauge\nx undefined\n'],
    ['a counter below 0', '# HELP x_total X.\n# TYPE x_total counter\nx_total -1\n'],
    ['a unit', '# HELP x_bytes X.\n# TYPE x_bytes gauge\n# UNIT x_bytes bytes\nx_bytes 1\n'],
    ['a histogram that falls', `${HEAD}${BUCKETS.replace(' 2', ' 4')}a_seconds_sum 4\na_seconds_count 3\n`],
    ['a histogram without its sum', `${HEAD}${BUCKETS}a_seconds_count 3\n`],
    ['a histogram with another count', `${HEAD}${BUCKETS}a_seconds_sum 4\na_seconds_count 4\n`],
    ['a histogram without its end', `${HEAD}a_seconds_bucket{le="1.0"} 2\na_seconds_sum 1\na_seconds_count 2\n`],
  ])('refuses %s in the text format', (_, text) => {
    expect(() => parseExposition(text, 'text')).toThrow();
  });

  it.each([
    ['no EOF', '# HELP x X.\n# TYPE x gauge\nx 1\n'],
    ['a counter without its suffix', '# HELP x X.\n# TYPE x counter\nx 1\n# EOF\n'],
    [
      'another unit than that of the name',
      '# HELP x_bytes X.\n# TYPE x_bytes gauge\n# UNIT x_bytes seconds\nx_bytes 1\n# EOF\n',
    ],
    ['quotes in HELP', '# HELP x "X".\n# TYPE x gauge\nx 1\n# EOF\n'],
  ])('refuses %s in OpenMetrics', (_, text) => {
    expect(() => parseExposition(text, 'openmetrics')).toThrow();
  });
});
