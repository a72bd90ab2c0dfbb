import { expect, test } from '@jest/globals';
import { nonFinite } from '../../lib/analyze/finite.js';
import { inferShapes } from '../../lib/analyze/shapes.js';
import { encodeOnnx } from '../../lib/formats/onnx/index.js';
import type { Graph } from '../../lib/graph/graph.js';
import { validateGraph } from '../../lib/graph/validate.js';
import { FAMILIES } from './families.js';
import { randomInput, runModel } from './runtime.js';

/** Learnt parameters of torchvision's models; batch norms' running statistics are not counted. */
const PARAMETERS: Record<string, number> = {
  vgg16: 138_357_544,
  resnet18: 11_689_512,
  resnet50: 25_557_032,
  densenet121: 7_978_856,
  mobilenetV2: 3_504_872,
  squeezenet: 1_235_496,
  efficientnetB0: 5_288_548,
};

function parametersOf({ initializers }: Graph): number {
  return [...initializers]
    .filter(([name]) => /\.(weight|bias)$/.test(name))
    .reduce((sum, [, { data }]) => sum + data.length, 0);
}

for (const [name, parameters] of Object.entries(PARAMETERS))
  test(`${name} at full width has the published number of parameters`, () => {
    expect(parametersOf(FAMILIES[name]?.({ size: 224, weights: 'zero' }) ?? fail(name))).toBe(parameters);
  });

for (const [name, family] of Object.entries(FAMILIES))
  test(`${name}: signals neither vanish nor explode, and shapes are ONNX Runtime's`, async () => {
    const graph = family({ width: 0.125, size: 64, classes: 10, seed: 3 });
    validateGraph(graph);
    expect(nonFinite(graph)).toEqual([]);
    const input = { dims: [3, 3, 64, 64], data: randomInput([3, 3, 64, 64], 1) };
    const outputs = await runModel(encodeOnnx(graph), { inputs: { input } });
    const [[output, logits] = fail(name)] = Object.entries(outputs);
    const { types, unknown } = inferShapes(graph, { input: input.dims });
    expect(unknown).toEqual([]);
    expect(types.get(output)?.dims).toEqual([3, 10]);
    expect([...logits.dims]).toEqual([3, 10]);
    const largest = Math.max(...logits.data.map(Math.abs));
    expect(largest).toBeGreaterThan(0.05);
    expect(largest).toBeLessThan(200);
    // Samples differ: what reaches the output is more than biases.
    const [first = 0, , , , , , , , , , second = 0] = logits.data;
    expect(Math.abs(first - second)).toBeGreaterThan(1e-3 * largest);
  });

function fail(name: string): never {
  throw new Error(`${name} is missing.`);
}
