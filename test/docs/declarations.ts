import { existsSync, readFileSync } from 'node:fs';
import { parseAst } from 'vitest/node';
import { ROOT } from './documents.js';

/** What is looked at of a node of a syntax tree. Which of it there is depends on the type. */
interface Node extends Partial<Record<Part, unknown>> {
  readonly type: string;
}

type Part =
  | 'arguments'
  | 'body'
  | 'callee'
  | 'declaration'
  | 'declarations'
  | 'expression'
  | 'id'
  | 'init'
  | 'key'
  | 'name'
  | 'object'
  | 'properties'
  | 'tag'
  | 'value';

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}

function nodesIn(value: unknown): readonly Node[] {
  return (Array.isArray(value) ? value : [value]).filter(isNode);
}

/** What was found in a file, by its path: files are asked for again and again. */
const declarations = new Map<string, ReadonlySet<string>>();
const tests = new Map<string, readonly string[]>();

/** The statements of a file; none if there is no such file. */
function statementsOf(path: string): readonly Node[] {
  if (!existsSync(`${ROOT}${path}`)) return [];
  return nodesIn(parseAst(readFileSync(`${ROOT}${path}`, 'utf8'), { lang: 'ts' }).body);
}

/** What a key is called: `name`, `#name`, or the text of a literal. */
function nameOf(key: unknown): string {
  if (!isNode(key)) return '';
  if (key.type === 'PrivateIdentifier') return `#${key.name}`;
  return String(key.type === 'Literal' ? key.value : (key.name ?? ''));
}

/** The object that a constant is, without `as const` and `satisfies`. */
function objectOf(value: unknown): Node | undefined {
  if (!isNode(value)) return undefined;
  return value.type === 'ObjectExpression' ? value : objectOf(value.expression);
}

/**
 * What a file of the source declares that does something: functions, classes and their members (`Class.method`, `Class.#private`), and
 * constants and their properties (`CONSTANT.property`). Types and interfaces are not among it.
 */
export function declarationsOf(path: string): ReadonlySet<string> {
  const known = declarations.get(path);
  if (known !== undefined) return known;
  const names = new Set<string>();
  declarations.set(path, names);
  for (const statement of statementsOf(path)) {
    const [declaration = statement] = nodesIn(statement.declaration);
    if (declaration.type === 'FunctionDeclaration') names.add(nameOf(declaration.id));
    if (declaration.type === 'ClassDeclaration') {
      const name = nameOf(declaration.id);
      names.add(name);
      for (const body of nodesIn(declaration.body))
        for (const { key } of nodesIn(body.body)) names.add(`${name}.${nameOf(key)}`);
    }
    if (declaration.type !== 'VariableDeclaration') continue;
    for (const { id, init } of nodesIn(declaration.declarations)) {
      names.add(nameOf(id));
      for (const { key } of nodesIn(objectOf(init)?.properties)) names.add(`${nameOf(id)}.${nameOf(key)}`);
    }
  }
  return names;
}

/** The function that a call comes from in the end: `it` of `it.skipIf(…).each(…)(…)`. */
function calleeOf(node: unknown): string {
  if (!isNode(node)) return '';
  return node.type === 'Identifier' ? nameOf(node) : calleeOf(node.object ?? node.callee ?? node.tag);
}

/** The title of a test or of a group of tests, if it is a mere text. */
function titleOf(argument: unknown): string | undefined {
  return isNode(argument) && argument.type === 'Literal' && typeof argument.value === 'string'
    ? argument.value
    : undefined;
}

function collectTests(value: unknown, groups: readonly string[], titles: string[]): void {
  if (Array.isArray(value)) {
    for (const one of value) collectTests(one, groups, titles);
    return;
  }
  if (!isNode(value)) return;
  if (value.type === 'CallExpression') {
    const callee = calleeOf(value.callee);
    const [first, ...others] = nodesIn(value.arguments);
    const title = titleOf(first);
    if (title !== undefined && callee === 'describe') {
      collectTests(others, [...groups, title], titles);
      return;
    }
    if (title !== undefined && (callee === 'it' || callee === 'test')) titles.push([...groups, title].join(' › '));
  }
  for (const child of Object.values(value)) collectTests(child, groups, titles);
}

/** The tests of a file, each as `group › title`. */
export function testsOf(path: string): readonly string[] {
  const known = tests.get(path);
  if (known !== undefined) return known;
  const titles: string[] = [];
  tests.set(path, titles);
  collectTests(statementsOf(path), [], titles);
  return titles;
}
