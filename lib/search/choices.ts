/** What can be chosen of each unit of a network: its kernels, widths, activations, windows, and whether it is there. */

import type { Anatomy } from '../analyze/blocks.js';
import { roleOf } from '../analyze/blocks.js';
import type { Group } from '../analyze/groups.js';
import { shapedNode } from '../analyze/shapes.js';
import { gateOf, type Unit } from '../analyze/units.js';
import { floatAttribute } from '../graph/attributes.js';
import type { Node } from '../graph/graph.js';
import { numbersOf } from '../graph/tensor.js';
import { operatorOf } from '../ops/registry.js';
import { type Activation, activationOf, activationsOf } from '../surgery/activation.js';
import type { Bypass } from '../surgery/bypass.js';
import { ownsTaps } from '../surgery/window.js';
import type { Condition, Dimension, Value } from './space.js';

export const UNIT_CHOICES = ['block', 'width', 'kernel', 'activation', 'window', 'dropout'] as const;
export type UnitChoice = (typeof UNIT_CHOICES)[number];

/** One thing to be chosen of one layer or unit. */
export interface Choice {
  /** The layer, pool or unit that it is about, and what of it. */
  layer: string;
  choice: string;
  /** With one value where there is nothing to choose unless a person says so. */
  dimension: Dimension;
  /** The value at which everything is as it was. */
  own: Value;
  /** Whether the network can have a value. */
  takes(value: Value): boolean;
  /** What it takes, in words. */
  expected: string;
}

export type Edit =
  | { edit: 'width'; group: Group }
  | { edit: 'window'; node: string }
  | { edit: 'activation'; inputs: ReadonlyMap<string, string> }
  | { edit: 'dropout'; node: string }
  | { edit: 'bypass'; bypass: Bypass }
  | { edit: 'empty'; value: string };

export type GraphChoice = Choice & Edit;

const WIDTHS = [0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1];
const KERNELS = [1, 3, 5];
const WINDOWS = [2, 3];
export const DROPOUT = [0, 0.1, 0.2, 0.3, 0.4, 0.5];
const USUAL_ACTIVATIONS: readonly Activation[] = ['relu', 'leaky-relu', 'hard-swish'];
/** Groups of fewer channels have nothing to spare. */
const MIN_CHANNELS = 16;

/** Widths of more than this are another network. */
const WIDEST = 4;

/**
 * The choices of a unit.
 * @param sizes the network at each input size that it may have.
 * @param grows whether a group can have more channels.
 */
export function choicesOf(
  unit: Unit,
  groups: readonly Group[],
  sizes: readonly Anatomy[],
  drop: Edit | undefined,
  grows: (group: Group) => boolean,
): GraphChoice[] {
  const [anatomy] = sizes;
  if (!anatomy) return [];
  const nodes = anatomy.graph.nodes.filter((node) => unit.nodes.has(node));
  const block = drop ? [blockChoice(unit, drop)] : [];
  const kept = drop ? { dimension: nameOf(unit.name, 'block'), in: ['kept'] } : undefined;
  const inner = [
    ...groups.map((group) => widthChoice(unit, group, anatomy, grows)),
    ...nodes.flatMap((node) => windowChoice(node, sizes) ?? []),
    ...activationChoice(unit, nodes, anatomy),
    ...nodes.flatMap((node) => dropoutChoice(node, anatomy) ?? []),
  ];
  const weights = new Set(unit.layers.flatMap(({ inputs }) => inputs));
  return [
    ...block,
    ...inner.map((choice) => {
      // Channels that other units make as well are there without this one.
      const shared =
        choice.edit === 'width' &&
        choice.group.members.some(({ role, value }) => role === 'makes' && !weights.has(value));
      return kept && !shared ? { ...choice, dimension: { ...choice.dimension, when: kept } } : choice;
    }),
  ];
}

export function nameOf(layer: string, choice: string): string {
  return `${layer}:${choice}`;
}

/** A condition for those that have none of their own. */
export function withCondition(choice: GraphChoice, when: Condition | undefined): GraphChoice {
  return when && !choice.dimension.when ? { ...choice, dimension: { ...choice.dimension, when } } : choice;
}

function categorical(layer: string, choice: string, values: string[]): Dimension {
  return { name: nameOf(layer, choice), kind: 'categorical', values };
}

/** Ascending numbers, each once. */
export function ordinal(layer: string, choice: string, values: readonly number[]): Dimension {
  return { name: nameOf(layer, choice), kind: 'ordinal', values: [...new Set(values)].sort((a, b) => a - b) };
}

function blockChoice({ name }: Unit, drop: Edit): GraphChoice {
  const values = ['kept', 'dropped'];
  return {
    layer: name,
    choice: 'block',
    dimension: categorical(name, 'block', values),
    own: 'kept',
    takes: (value) => values.includes(String(value)),
    expected: values.join(' or '),
    ...drop,
  };
}

function widthChoice(unit: Unit, group: Group, { graph }: Anatomy, grows: (group: Group) => boolean): GraphChoice {
  let growable: boolean | undefined;
  const maker = group.members.find(({ role }) => role === 'makes')?.value ?? '';
  const layer = graph.nodes.find(({ inputs }) => inputs.includes(maker))?.name ?? unit.name;
  // Groups of different channels of one weight have a number behind their name.
  const part = /#\d+$/.exec(group.id)?.[0] ?? '';
  return {
    layer,
    choice: 'width',
    dimension: ordinal(`${layer}${part}`, 'width', group.channels >= MIN_CHANNELS ? WIDTHS : [1]),
    own: 1,
    takes: (value) => {
      if (typeof value !== 'number' || value <= 0 || value > WIDEST) return false;
      if (value <= 1) return true;
      growable ??= grows(group);
      return growable;
    },
    expected: `a share of the channels, more than 0 and at most 1, or up to ${WIDEST} where there can be more of them`,
    edit: 'width',
    group,
  };
}

function windowChoice(node: Node, sizes: readonly Anatomy[]): GraphChoice | undefined {
  const windows = sizes.map(({ graph, shapes }) => {
    const there = graph.nodes.find(({ name }) => name === node.name) ?? node;
    return operatorOf(there)?.window?.(shapedNode(graph, there, shapes.types));
  });
  const [first] = windows;
  const [anatomy] = sizes;
  if (!first || !anatomy || !ownsTaps(anatomy.graph, node, first.weight)) return undefined;
  const takes = (value: Value) =>
    typeof value === 'number' &&
    Number.isInteger(value) &&
    value >= 1 &&
    windows.every((window) => value === first.extent || window?.resized(value) !== undefined);
  const choice = first.weight === undefined ? 'window' : 'kernel';
  const usual = first.weight === undefined ? WINDOWS : KERNELS;
  const values = first.extent > 1 ? [first.extent, ...usual.filter(takes)] : [first.extent];
  return {
    layer: node.name,
    choice,
    dimension: ordinal(node.name, choice, values),
    own: first.extent,
    takes,
    expected: 'a whole number for which the outputs can stay where they are',
    edit: 'window',
    node: node.name,
  };
}

function activationChoice(unit: Unit, nodes: readonly Node[], anatomy: Anatomy): GraphChoice[] {
  const inputs = new Map<string, string>();
  const own = new Set<Activation | undefined>();
  for (const node of nodes) {
    const input = activated(anatomy, node);
    if (input === undefined) continue;
    inputs.set(node.name, input);
    own.add(activationOf(node));
  }
  if (inputs.size === 0) return [];
  const known: readonly Activation[] = activationsOf(anatomy.graph);
  const usual = USUAL_ACTIVATIONS.filter((name) => own.size > 1 || !own.has(name));
  return [
    {
      layer: unit.name,
      choice: 'activation',
      dimension: categorical(unit.name, 'activation', ['kept', ...usual]),
      own: 'kept',
      takes: (value) => value === 'kept' || known.some((name) => name === value),
      expected: `kept, ${known.join(', ')}`,
      edit: 'activation',
      inputs,
    },
  ];
}

/** What a node puts through a nonlinearity of the kind that stands behind layers; undefined where it does not. */
function activated(anatomy: Anatomy, node: Node): string | undefined {
  const gated = gateOf(anatomy, node);
  if (gated !== undefined) return gated;
  if (roleOf(anatomy, node) !== 'nonlinearity') return undefined;
  const [input = ''] = node.inputs;
  const before = anatomy.makers.get(input);
  // A part of a hard swish or sigmoid written out: relu6(x + 3).
  const shifted =
    before &&
    roleOf(anatomy, before) === 'sum' &&
    before.inputs.some((name) => anatomy.graph.initializers.get(name)?.data.length === 1);
  return shifted ? undefined : input;
}

function dropoutChoice(node: Node, { graph, shapes }: Anatomy): GraphChoice | undefined {
  if (roleOf({ graph, shapes }, node) !== 'dropout') return undefined;
  const constant = graph.initializers.get(node.inputs[1] ?? '');
  const own = constant ? (numbersOf(constant)[0] ?? 0.5) : floatAttribute(node, 'ratio', 0.5);
  const rounded = Number(own.toFixed(4));
  return {
    layer: node.name,
    choice: 'dropout',
    dimension: ordinal(node.name, 'dropout', [...DROPOUT, rounded]),
    own: rounded,
    takes: (value) => typeof value === 'number' && value >= 0 && value < 1,
    expected: 'a fraction of at least 0 and less than 1',
    edit: 'dropout',
    node: node.name,
  };
}
