/** What can be chosen of the dense layers at the end of a classifier. */

import { ACTIVATIONS } from '../surgery/activation.js';
import { type Choice, DROPOUT, nameOf, ordinal } from './choices.js';
import { type Head, isPlain } from './head.js';
import type { Condition, Dimension, Point, Value } from './space.js';

const NEURONS = [64, 128, 256, 512, 1024];
/** Those of AutoTune (arXiv 2005.02165). */
const HIDDEN_ACTIVATIONS = ['relu', 'sigmoid', 'tanh', 'elu', 'selu'];
const MAX_HIDDEN = 2;
/** More hidden layers than this are no classifier any more. */
export const MOST_HIDDEN = 5;

const LAYER = 'head';
export const HEAD = {
  form: nameOf(LAYER, 'form'),
  pooling: nameOf(LAYER, 'pooling'),
  layers: nameOf(LAYER, 'layers'),
  neurons: (layer: number) => nameOf(LAYER, `neurons${layer}`),
  activation: nameOf(LAYER, 'activation'),
  dropout: nameOf(LAYER, 'dropout'),
} as const;

/**
 * The choices of a head, of which the number of hidden layers can be restricted before those of the single layers follow.
 * @param restrict gives the dimension of the hidden layers as a person wants it.
 */
export function headChoices(head: Head, restrict: (choice: Choice) => Choice | undefined): Choice[] {
  // A head that has more to it than one layer can also stay as it is.
  const form = isPlain(head) ? [] : [listed('form', ['kept', 'new'], 'kept')];
  const whenNew = form.length > 0 ? { when: { dimension: HEAD.form, in: ['new'] } } : {};
  const pooling = head.flattened ? [listed('pooling', ['average', 'kept'], 'kept', whenNew)] : [];
  const layers = restrict({
    layer: LAYER,
    choice: 'layers',
    dimension: { name: HEAD.layers, kind: 'integer', low: 0, high: MAX_HIDDEN, ...whenNew },
    own: Math.min(MAX_HIDDEN, head.layers.length - 1),
    takes: (value) => typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST_HIDDEN,
    expected: `a whole number from 0 to ${MOST_HIDDEN}`,
  });
  const counts = layers ? countsOf(layers.dimension) : [];
  const hidden = Array.from({ length: Math.max(0, ...counts) }, (_, index) => index + 1);
  const from = (least: number): { when: Condition } => ({
    when: { dimension: HEAD.layers, in: counts.filter((count) => count >= least) },
  });
  return [
    ...form,
    ...pooling,
    ...(layers ? [layers] : []),
    ...hidden.map((layer) => neurons(layer, head, from(layer))),
    ...(hidden.length > 0 ? [activation(from(1))] : []),
    dropout(whenNew),
  ];
}

/** The values of a dimension of whole numbers. */
function countsOf(dimension: Dimension): number[] {
  if (dimension.kind === 'ordinal') return [...dimension.values];
  if (dimension.kind !== 'integer') return [];
  return Array.from({ length: dimension.high - dimension.low + 1 }, (_, index) => dimension.low + index);
}

function listed(choice: string, values: string[], own: string, more: { when?: Condition } = {}): Choice {
  return {
    layer: LAYER,
    choice,
    dimension: { name: nameOf(LAYER, choice), kind: 'categorical', values, ...more },
    own,
    takes: (value) => values.includes(String(value)),
    expected: values.join(' or '),
  };
}

function neurons(layer: number, head: Head, more: { when: Condition }): Choice {
  return {
    layer: LAYER,
    choice: 'neurons',
    dimension: { name: HEAD.neurons(layer), kind: 'ordinal', values: NEURONS, ...more },
    own: head.layers[layer - 1]?.out ?? NEURONS[0] ?? 1,
    takes: (value) => typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_536,
    expected: 'a whole number from 1 to 65536',
  };
}

function activation(more: { when: Condition }): Choice {
  const names: readonly string[] = ACTIVATIONS;
  return {
    layer: LAYER,
    choice: 'activation',
    dimension: { name: HEAD.activation, kind: 'categorical', values: HIDDEN_ACTIVATIONS, ...more },
    own: 'relu',
    takes: (value) => typeof value === 'string' && names.includes(value),
    expected: names.join(', '),
  };
}

function dropout(more: { when?: Condition }): Choice {
  return {
    layer: LAYER,
    choice: 'dropout',
    dimension: { ...ordinal(LAYER, 'dropout', DROPOUT), ...more },
    own: 0,
    takes: (value: Value) => typeof value === 'number' && value >= 0 && value < 1,
    expected: 'a fraction of at least 0 and less than 1',
  };
}

export interface HeadChoice {
  /** Nothing of the head is chosen anew. */
  kept: boolean;
  neurons: number[];
  activation: string;
  dropout: number;
  pooling: string;
}

/** What a point says of a head; of what it does not say, as it is. */
export function headOf(point: Point, { layers }: Head): HeadChoice {
  const names = Object.keys(point).filter((name) => name.startsWith(nameOf(LAYER, '')));
  const hidden = Number(point[HEAD.layers] ?? layers.length - 1);
  return {
    kept: names.length === 0 || point[HEAD.form] === 'kept',
    neurons: Array.from({ length: hidden }, (_, index) =>
      Number(point[HEAD.neurons(index + 1)] ?? layers[index]?.out ?? NEURONS[0]),
    ),
    activation: String(point[HEAD.activation] ?? 'relu'),
    dropout: Number(point[HEAD.dropout] ?? 0),
    pooling: String(point[HEAD.pooling] ?? 'kept'),
  };
}
