import { expect } from '@jest/globals';
import { fold } from '../../lib/analyze/fold.js';
import { inferShapes } from '../../lib/analyze/shapes.js';
import { encodeOnnx, readOnnx } from '../../lib/formats/onnx/index.js';
import { runModel } from '../models/runtime.js';
import { testWith } from '../shared-data.js';

const MODELS = [
  'models/mobilenet_v1_0.25_128.onnx',
  'models/mobilenet_v1_0.5_160.onnx',
  'models/mobilenet_v1_1.0_224_bn_features_block12.onnx',
  'models/mobilenet_v2_1.0_224.onnx',
  'models/resnet20_cifar10.onnx',
  'models/squeezenet1_0_deepcompression_227.onnx',
  'models/squeezenet1_1_features_224.onnx',
  'foreign-onnx/mnist.onnx',
  'foreign-onnx/version-RFB-320_without_postprocessing.onnx',
  'foreign-onnx/version-slim-320_simplified.onnx',
];

for (const model of MODELS)
  testWith(model, `${model}: the same outputs, bit by bit, after a round trip and after folding`, async (path) => {
    const expected = await runModel(path, { batch: 1 });
    const graph = await readOnnx(path);
    expect(await runModel(encodeOnnx(graph), { batch: 1 })).toEqual(expected);
    const folded = fold(graph);
    expect(await runModel(encodeOnnx(folded), { batch: 1 })).toEqual(expected);
    expect(folded.nodes.filter(({ op }) => ['Constant', 'Shape', 'Gather', 'Unsqueeze'].includes(op))).toEqual([]);
    const { types, unknown } = inferShapes(folded, batchOf(folded.inputs));
    expect(unknown).toEqual([]);
    for (const [name, { dims }] of Object.entries(expected)) expect(types.get(name)?.dims).toEqual([...dims]);
  });

function batchOf(inputs: { name: string; dims: (number | string)[] | undefined }[]): Record<string, number[]> {
  return Object.fromEntries(
    inputs.map(({ name, dims = [] }) => [name, dims.map((extent) => (typeof extent === 'number' ? extent : 1))]),
  );
}
