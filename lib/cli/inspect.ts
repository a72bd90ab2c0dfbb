import type { Settings } from '../config/resolve.js';
import { ExitCode } from '../errors.js';
import { type Inspection, inspect } from '../index.js';
import { short } from '../report/figures.js';
import type { Action } from './command.js';
import { type Output, printable } from './output.js';

export const action: Action<Settings<'inspect'>> = async ({ settings, positionals, output }) => {
  const facts = await inspect(positionals.model ?? '', settings);
  if (output.json) output.document(facts);
  else show(facts, settings.groups, output);
  return ExitCode.done;
};

function show(facts: Inspection, groups: boolean, output: Output): void {
  const { model, parameters, macs, inputs, outputs, nodes, pinned, unknown, nonFinite } = facts;
  output.line(`${printable(model)}: ${short(parameters)} parameters, ${short(macs)} MACs`);
  for (const [name, values] of [
    ['input', inputs],
    ['output', outputs],
  ] as const) {
    for (const value of values)
      output.line(printable(`${name} ${value.name}: ${value.dtype} ${shapeText(value.shape)}`));
  }
  output.line();
  output.table([
    ['node', 'operator', 'output', 'parameters', 'MACs'],
    ...nodes.map((node) => [
      node.name,
      node.op,
      shapeText(node.shape),
      node.parameters ? short(node.parameters) : '',
      node.macs ? short(node.macs) : '',
    ]),
  ]);
  output.line();
  const channels = facts.groups.reduce((sum, group) => sum + group.channels, 0);
  output.line(
    `${facts.groups.length} groups with ${channels} channels can be pruned; ${pinned.length === 1 ? '1 is' : `${pinned.length} are`} pinned.`,
  );
  if (groups) showGroups(facts, output);
  for (const { node, reason } of pinned) output.line(printable(`pinned: ${node}: ${reason}`));
  for (const { node, reason } of unknown) output.line(printable(`not known: ${node}: ${reason}`));
  for (const { tensor, count } of nonFinite)
    output.line(printable(`NaN or infinite: ${tensor}: ${count} of its values`));
}

function showGroups({ groups }: Inspection, output: Output): void {
  for (const { id, channels, members } of groups) {
    output.line();
    output.line(output.paint('bold', printable(`${id}: ${channels} channels`)));
    for (const { tensor, axis } of members) output.line(printable(`  ${tensor}, axis ${axis}`));
  }
  output.line();
}

function shapeText(shape: readonly (number | string)[] | null): string {
  return shape ? `[${shape.join(', ')}]` : '?';
}
