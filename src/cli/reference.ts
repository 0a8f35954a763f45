import type { Command, Option as Flag } from 'commander';
import type { Option } from '../options/define.js';
import { defaultInWords, rangeInWords } from '../options/in-words.js';
import { asCode, asMarkdown, markdownTable } from '../options/markdown.js';
import { ALL_ROWS } from '../primary/option-rows.js';
import { FIGURE_NAMES, figureOf } from '../telemetry/figures.js';

/**
 * The tables of docs/limits.md: a row for each limit, under the headings of `wsloom serve --help`.
 * @param docs what the type of the options says of each, by its name. Its first sentence says what the option bounds.
 */
export function limitsReference(docs: ReadonlyMap<string, string>): string {
  const limits = Object.entries<Option<unknown>>(ALL_ROWS).filter(([, { beyond }]) => beyond !== undefined);
  const groups = new Set(limits.map(([, { group }]) => group ?? ''));
  return [...groups]
    .map((group) => {
      const own = limits.filter(([, row]) => row.group === group);
      return `### ${group}\n\n${markdownTable(
        LIMIT_HEAD,
        own.map(([name, row]) => limitCells(name, row, docs.get(name) ?? '')),
      )}`;
    })
    .join('\n\n');
}

const LIMIT_HEAD = ['option', 'flag', 'default', 'range', 'what it bounds', 'beyond it', 'counter'];

function limitCells(name: string, row: Option<unknown>, doc: string): string[] {
  const { flag, beyond, choices } = row;
  const range = choices === undefined ? rangeInWords(row) : choices.map(asCode).join(', ');
  const counters = countersOf(name).map(asCode).join(', ');
  const byDefault = choices === undefined ? defaultInWords(row) : asCode(String(row.makeDefault?.()));
  return [asCode(name), asCode(flag), byDefault ?? '', range ?? '', firstSentence(doc), beyond ?? '', counters];
}

/** As a phrase: without its full stop, and small unless it begins with an abbreviation. */
function firstSentence(doc: string): string {
  const [sentence = ''] = doc.split(/\.(?: |$)/);
  return sentence.replace(/^[A-Z](?![A-Z])/, (letter) => letter.toLowerCase());
}

/** The figures that an option sets, as `server.stats()` names them. */
function countersOf(option: string): string[] {
  return FIGURE_NAMES.map(figureOf)
    .filter(({ options }) => options?.includes(option) === true)
    .map(({ stat, limit }) => (limit === undefined ? String(stat) : `limits.${limit}`));
}

/** The chapters of docs/cli.md: one for each command, with the texts of its `--help`, and below it one for each of its own commands. */
export function commandsReference(program: Command): string {
  return program.commands
    .filter((command) => command.name() !== 'help')
    .flatMap((command) => commandReferences(command, 'wsloom', '##'))
    .join('\n\n');
}

function commandReferences(command: Command, parent: string, mark: string): string[] {
  const name = `${parent} ${command.name()}`;
  const own = command.commands.flatMap((one) => commandReferences(one, name, `${mark}#`));
  return [commandReference(command, name, mark), ...own];
}

function commandReference(command: Command, name: string, mark: string): string {
  const usage = `${name} ${command.usage()}`;
  const args = command.registeredArguments.map((argument) => {
    const label = `${argument.name()}${argument.variadic ? '...' : ''}`;
    const written = argument.required ? `<${label}>` : `[${label}]`;
    return [asCode(written), asMarkdown(argument.description), asCode(argument.defaultValue as string | undefined)];
  });
  const chapters = [...groupsOf(command)].map(([heading, flags]) => {
    const table = markdownTable(['flag', '', 'default'], flags.map(flagCells));
    return heading === '' ? table : `**${heading}**\n\n${table}`;
  });
  return [
    `${mark} ${name}`,
    `${command.description()}:`,
    `\`\`\`text\n${usage}\n\`\`\``,
    ...(args.length === 0 ? [] : [markdownTable(['argument', '', 'default'], args)]),
    ...chapters,
    `\`\`\`text\n${textAfterHelp(command)}\n\`\`\``,
  ].join('\n\n');
}

/** The flags of a command by their headings; '' for those without. */
function groupsOf(command: Command): Map<string, Flag[]> {
  const groups = new Map<string, Flag[]>([['', []]]);
  for (const flag of command.createHelp().visibleOptions(command)) {
    const heading = flag.helpGroupHeading?.replace(/:$/, '') ?? '';
    groups.set(heading, [...(groups.get(heading) ?? []), flag]);
  }
  return groups;
}

function flagCells({ flags, description, argChoices, defaultValueDescription }: Flag): string[] {
  const choices = argChoices === undefined ? '' : ` (${argChoices.map(asCode).join(', ')})`;
  return [asCode(flags), `${asMarkdown(description)}${choices}`, asMarkdown(defaultValueDescription ?? '')];
}

/** What `--help` says behind the flags. */
function textAfterHelp(command: Command): string {
  let help = '';
  const output = command.configureOutput();
  command.configureOutput({ ...output, writeOut: (text) => (help += text) });
  command.outputHelp();
  command.configureOutput(output);
  return help.slice(command.helpInformation().length).trim();
}
