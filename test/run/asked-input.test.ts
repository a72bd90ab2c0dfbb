import { expect, test } from '@jest/globals';
import { costOf } from '../../lib/analyze/cost.js';
import type { Graph } from '../../lib/graph/graph.js';
import { openExtent, taskOf, withAskedInput } from '../../lib/run/asked-input.js';
import { graphBuilder } from '../models/builder.js';
import { textCnn } from '../models/modern-families.js';

function image(): Graph {
  const b = graphBuilder('image');
  return b.build(b.gemm(b.flatten(b.globalAveragePool(b.conv(b.input([3, 16, 16]), 4, { kernel: 1 }))), 2));
}

function open(graph: Graph, dims: (string | number)[]): Graph {
  return { ...graph, inputs: graph.inputs.map((input) => ({ ...input, dims })) };
}

test('what a model is for is what its input tells, unless it is said', () => {
  expect([taskOf(image(), {}), taskOf(textCnn(), {}), taskOf(textCnn(), { task: 'image' })]).toEqual([
    'image',
    'text',
    'image',
  ]);
});

test('options for the other kind of data are refused, and named', () => {
  for (const [settings, option] of [
    [{ imageSize: 32 }, '--image-size'],
    [{ preprocessing: 'torchvision' }, '--preprocessing'],
  ] as const)
    expect(() => taskOf(textCnn(), settings)).toThrow(`${option} is not for sentences, which the model takes.`);
  for (const [settings, option] of [
    [{ textLength: 32 }, '--text-length'],
    [{ tokenizer: 'vocab.txt' }, '--tokenizer'],
  ] as const)
    expect(() => withAskedInput(image(), settings)).toThrow(`${option} is not for images, which the model takes.`);
});

test('size and length are set; multiply-adds follow', () => {
  // 12 weights a position, and those of the head.
  expect(costOf(withAskedInput(image(), { imageSize: 32 })).macs).toBe(32 * 32 * 12 + 8);
  expect(withAskedInput(textCnn(), { textLength: 30 }).inputs[0]?.dims).toEqual(['N', 30]);
  const graph = image();
  expect(withAskedInput(graph, {})).toBe(graph);
});

test('an extent that is open is named with the option that sets it', () => {
  expect(openExtent(image())).toBeUndefined();
  expect(openExtent(open(image(), ['N', 3, 'H', 'W']))).toEqual({
    input: 'input',
    extent: 'H',
    option: '--image-size',
  });
  expect(openExtent(open(textCnn(), ['N', 'L']))).toEqual({ input: 'tokens', extent: 'L', option: '--text-length' });
});
