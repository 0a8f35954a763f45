/** A metric in an expression of PromQL. */
export interface MetricUse {
  readonly name: string;
  /** What is asked of its labels. */
  readonly matchers: readonly { readonly label: string; readonly operator: string; readonly value: string }[];
}

/** The metrics of an expression, in their order. What is no function, and no label to group by, is taken for a metric. */
export function metricsIn(expression: string): MetricUse[] {
  const plain = expression.replaceAll(GROUPING, '').replaceAll(/\[[^\]]*\]/g, '');
  return [...plain.matchAll(/(?<![\w.])([a-zA-Z_:][\w:]*)(\s*\()?(?:\{([^}]*)\})?/g)]
    .filter(([, , isCall]) => isCall === undefined)
    .map(([, name = '', , matchers = '']) => ({ name, matchers: matchersIn(matchers) }));
}

/** The labels that an expression groups by, or groups by all but. */
export function groupingIn(expression: string): string[] {
  return [...expression.matchAll(GROUPING)].flatMap(([, labels = '']) =>
    labels
      .split(',')
      .map((label) => label.trim())
      .filter((label) => label !== ''),
  );
}

const GROUPING = /\b(?:by|without)\s*\(([^)]*)\)/g;

function matchersIn(text: string): MetricUse['matchers'] {
  return [...text.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g)].map(([, label = '', operator = '', value = '']) => ({
    label,
    operator,
    value,
  }));
}
