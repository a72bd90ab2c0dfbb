import { expect, test } from '@jest/globals';
import { inferShapes } from '../../lib/analyze/shapes.js';
import { encodeOnnx } from '../../lib/formats/onnx/index.js';
import { validateGraph } from '../../lib/graph/validate.js';
import { extract } from '../../lib/surgery/extract.js';
import { graphBuilder } from '../models/builder.js';
import { FAMILIES } from '../models/families.js';
import { randomInput, relativeError, runModel } from '../models/runtime.js';

test.each(['resnet18', 'squeezenet', 'efficientnetB0'])('%s cut in two anywhere computes the same', async (family) => {
  const graph = FAMILIES[family]?.({ width: 0.125, size: 32, classes: 3 });
  if (!graph) throw new Error(`${family} is missing.`);
  const input = { dims: [2, 3, 32, 32], data: randomInput([2, 3, 32, 32], 4) };
  const output = graph.outputs[0]?.name ?? '';
  const whole = (await runModel(encodeOnnx(graph), { inputs: { input } }))[output];
  for (let at = 3; at < graph.nodes.length - 1; at += 17) {
    // Everything that later nodes read of what earlier ones make.
    const made = new Set(graph.nodes.slice(0, at).flatMap((node) => node.outputs));
    const border = new Set(graph.nodes.slice(at).flatMap((node) => node.inputs.filter((name) => made.has(name))));
    const front = extract(graph, ['input'], [...border]);
    const back = extract(graph, [...border], [output]);
    for (const part of [front, back]) validateGraph(part);
    expect(front.nodes.length + back.nodes.length).toBe(graph.nodes.length);
    expect(new Set(back.inputs.map(({ name }) => name))).toEqual(border);
    const values = await runModel(encodeOnnx(front), { inputs: { input } });
    const result = (await runModel(encodeOnnx(back), { inputs: values }))[output];
    expect(relativeError(result?.data ?? new Float32Array(), whole?.data ?? new Float32Array())).toBeLessThan(1e-5);
  }
});

test('the original input stays where it is still needed, and is gone where it is not', () => {
  const b = graphBuilder('skip');
  const x = b.input([2, 4, 4]);
  const inner = b.conv(x, 2, { pad: 1, name: 'inner' });
  const graph = b.build(b.add(b.relu(inner), x));
  const output = graph.outputs[0]?.name ?? '';
  const names = (given: string[], wanted: string[]) => extract(graph, given, wanted).inputs.map(({ name }) => name);
  expect(names([inner.name], [output])).toEqual([inner.name, 'input']);
  expect(names([inner.name], [inner.name])).toEqual([inner.name]);
  expect(extract(graph, [inner.name], [output]).initializers.size).toBe(0);
});

test('a value whose shape is not known is no border', () => {
  const b = graphBuilder('unknown');
  const x = b.node('Mystery', [b.input([2, 4, 4])]);
  const y = b.relu(x);
  const graph = b.build(y);
  expect(inferShapes(graph).types.has(x.name)).toBe(false);
  expect(() => extract(graph, [x.name], [y.name])).toThrow(`The shape of value "${y.name}" is not known`);
});
