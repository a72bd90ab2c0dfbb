/** Dense layers as plain matrices, and layers of other widths that inherit from them. */

import type { RandomGenerator } from '../graph/random.js';

/** A dense layer: weight [out, in], row-major. */
export interface Dense {
  out: number;
  in: number;
  weight: Float32Array;
  bias: Float32Array;
}

/** The first layer over the average of each channel in place of its positions: the sum of their weights. */
export function overPositions(
  layers: readonly Dense[],
  { channels, positions }: { channels: number; positions: number },
): Dense[] {
  return layers.map((layer, index) => {
    if (index > 0) return layer;
    const weight = new Float32Array(layer.out * channels);
    layer.weight.forEach((value, at) => {
      const channel = Math.floor(at / positions);
      weight[channel] = (weight[channel] ?? 0) + value;
    });
    return { ...layer, in: channels, weight };
  });
}

/**
 * Layers of other widths with what can be inherited of the old ones. The last width is that of the classifier, which is
 * inherited only where it reads the same layer as the old one did.
 */
export function inherit(old: readonly Dense[], widths: readonly number[], random: RandomGenerator): Dense[] {
  const dense: Dense[] = [];
  // Of the layer before, for each neuron: which old neuron it was. The features are what they were.
  let from: readonly (number | undefined)[] = Array.from({ length: old[0]?.in ?? 0 }, (_, index) => index);
  const hidden = old.slice(0, -1);
  widths.forEach((out, index) => {
    const last = index === widths.length - 1;
    // A classifier can be inherited only by one that reads the same layer.
    const source = last ? (hidden.length === index ? old.at(-1) : undefined) : hidden[index];
    const chosen = source ? (last ? [...Array(out).keys()] : mostImportant(source, out)) : [];
    const whole = source !== undefined && from.length >= source.in;
    const scale = last && !source ? 0.01 : Math.sqrt(2 / from.length);
    const weight = new Float32Array(out * from.length);
    for (let o = 0; o < out; o++)
      for (let i = 0; i < from.length; i++) {
        const [oldOut, oldIn] = [chosen[o], from[i]];
        const inherited = source && oldOut !== undefined && oldIn !== undefined;
        // New inputs of an old neuron begin without effect; a new neuron is drawn at random.
        const value = inherited
          ? (source.weight[oldOut * source.in + oldIn] ?? 0)
          : source && oldOut !== undefined && whole
            ? 0
            : random.normal() * scale;
        weight[o * from.length + i] = value;
      }
    const bias = Float32Array.from({ length: out }, (_, o) => source?.bias[chosen[o] ?? -1] ?? 0);
    dense.push({ out, in: from.length, weight, bias });
    from = Array.from({ length: out }, (_, o) => chosen[o]);
  });
  return dense;
}

/** The neurons with the largest sums of absolute weights, in their old order. */
function mostImportant(layer: Dense, count: number): number[] {
  const importance = Float64Array.from({ length: layer.out }, (_, o) =>
    layer.weight.subarray(o * layer.in, (o + 1) * layer.in).reduce((total, value) => total + Math.abs(value), 0),
  );
  const order = [...importance.keys()].sort((a, b) => (importance[b] ?? 0) - (importance[a] ?? 0) || a - b);
  return order.slice(0, count).sort((a, b) => a - b);
}
