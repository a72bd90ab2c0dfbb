/** What a round trip keeps, and how models are written. */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { fold } from '../../lib/analyze/fold.js';
import { load, save } from '../../lib/formats/index.js';
import {
  AttributeProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from '../../lib/formats/onnx/generated/onnx_pb.js';
import { decodeOnnx, encodeOnnx, readOnnx, writeOnnx } from '../../lib/formats/onnx/index.js';
import type { Graph } from '../../lib/graph/graph.js';
import { float32, type Tensor } from '../../lib/graph/tensor.js';
import { validateGraph } from '../../lib/graph/validate.js';
import { graphBuilder } from '../models/builder.js';
import { resnet18, squeezenet } from '../models/families.js';
import { runModel } from '../models/runtime.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tascnet-onnx-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const valueInfo = (name: string, elemType: number, dims: (number | string)[]) =>
  create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: 'tensorType',
        value: {
          elemType,
          shape: {
            dim: dims.map((dim) => ({
              value:
                typeof dim === 'string'
                  ? { case: 'dimParam' as const, value: dim }
                  : { case: 'dimValue' as const, value: BigInt(dim) },
            })),
          },
        },
      },
    },
  });

/** A model of Identity nodes around the given initializers. */
function withTensors(initializer: Partial<Omit<TensorProto, '$typeName'>>[], irVersion = 8n): Uint8Array {
  const graph = {
    name: 'g',
    node: [create(NodeProtoSchema, { opType: 'Relu', input: ['x'], output: ['y'] })],
    input: [
      valueInfo('x', 1, [2]),
      ...(irVersion < 4n ? initializer.map(({ name = '' }) => valueInfo(name, 1, [2])) : []),
    ],
    output: [valueInfo('y', 1, [2])],
    initializer: initializer.map((fields) => create(TensorProtoSchema, fields)),
  };
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { irVersion, graph, opsetImport: [{ domain: '', version: 18n }] }),
  );
}

test('every data type survives, raw and typed', () => {
  const tensors: Tensor[] = [
    float32([2], [1.5, -0]),
    { dtype: 'float64', dims: [2], data: Float64Array.of(Math.PI, Number.NaN) },
    { dtype: 'int8', dims: [2], data: Int8Array.of(-128, 127) },
    { dtype: 'uint8', dims: [3], data: Uint8Array.of(0, 1, 255) },
    { dtype: 'int16', dims: [1], data: Int16Array.of(-32768) },
    { dtype: 'uint16', dims: [1], data: Uint16Array.of(65535) },
    { dtype: 'int32', dims: [2], data: Int32Array.of(-(2 ** 31), 7) },
    { dtype: 'uint32', dims: [1], data: Uint32Array.of(2 ** 32 - 1) },
    { dtype: 'int64', dims: [2], data: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n) },
    { dtype: 'uint64', dims: [1], data: BigUint64Array.of(2n ** 64n - 1n) },
    { dtype: 'bool', dims: [2], data: Uint8Array.of(0, 1) },
    { dtype: 'string', dims: [2], data: ['a', 'ü'] },
    float32([], [3]),
    float32([0, 4], []),
  ];
  const b = graphBuilder('types');
  const graph = b.build(b.relu(b.input([2])));
  for (const [index, tensor] of tensors.entries()) graph.initializers.set(`t${index}`, tensor);
  expect(decodeOnnx(encodeOnnx(graph))).toEqual(graph);
  const unaligned = Buffer.concat([Buffer.alloc(1), encodeOnnx(graph)]).subarray(1);
  expect(decodeOnnx(unaligned)).toEqual(graph);

  const typed = decodeOnnx(
    withTensors([
      { name: 'f', dims: [2n], dataType: 1, floatData: [1.5, 2] },
      { name: 'd', dims: [1n], dataType: 11, doubleData: [0.1] },
      { name: 'i8', dims: [1n], dataType: 3, int32Data: [-5] },
      { name: 'b', dims: [2n], dataType: 9, int32Data: [1, 0] },
      { name: 'i64', dims: [1n], dataType: 7, int64Data: [-9n] },
      { name: 'u32', dims: [1n], dataType: 12, uint64Data: [4000000000n] },
      { name: 'h', dims: [3n], dataType: 10, int32Data: [0x3c00, 0xc000, 0x0001] },
      { name: 'bf', dims: [2n], dataType: 16, int32Data: [0x3f80, 0xc040] },
    ]),
  ).initializers;
  expect([...typed.values()].map(({ data }) => [...(data as Iterable<number | bigint>)])).toEqual([
    [1.5, 2],
    [0.1],
    [-5],
    [1, 0],
    [-9n],
    [4000000000],
    [1, -2, 2 ** -24],
    [1, -3],
  ]);
  expect(typed.get('h')?.dtype).toBe('float32');
});

test('a model of IR version 3 lists its initializers among its inputs', () => {
  const graph = decodeOnnx(withTensors([{ name: 'w', dims: [2n], dataType: 1, floatData: [1, 2] }], 3n));
  expect(graph.inputs.map(({ name }) => name)).toEqual(['x']);
});

test('open extents are symbols, one each', () => {
  const node = create(NodeProtoSchema, { opType: 'Relu', input: ['x'], output: ['y'] });
  const graph = {
    name: 'g',
    node: [node],
    input: [valueInfo('x', 1, ['N', 3, '', '?'])],
    output: [valueInfo('y', 1, ['x_2', 3, -1, 0])],
  };
  const proto = create(ModelProtoSchema, { irVersion: 8n, graph, opsetImport: [{ domain: '', version: 18n }] });
  const read = decodeOnnx(toBinary(ModelProtoSchema, proto));
  expect(read.inputs[0]?.dims).toEqual(['N', 3, 'x_2_', 'x_3']);
  expect(read.outputs[0]?.dims).toEqual(['x_2', 3, 'y_2', 'y_3']);
});

test('attributes that are not understood are written back byte for byte', () => {
  const attribute = [
    create(AttributeProtoSchema, { name: 'kind', type: 13, tp: Uint8Array.of(1, 2, 3), docString: 'kept' }),
    create(AttributeProtoSchema, { name: 'latin', type: 3, s: Uint8Array.of(0xff, 0xfe) }),
    create(AttributeProtoSchema, {
      name: 'eight',
      type: 4,
      t: { dims: [1n], dataType: 17, rawData: Uint8Array.of(9) },
    }),
  ].map((proto) => toBinary(AttributeProtoSchema, proto));
  const node = create(NodeProtoSchema, { opType: 'Own', domain: 'own', input: ['x'], output: ['y'], attribute });
  const graph = { name: 'g', node: [node], input: [valueInfo('x', 1, [1])], output: [valueInfo('y', 1, [1])] };
  const opsetImport = [
    { domain: '', version: 18n },
    { domain: 'own', version: 2n },
  ];
  const read = decodeOnnx(toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, graph, opsetImport })));
  expect(read.domains).toEqual({ own: 2 });
  const values = Object.values(read.nodes[0]?.attributes ?? {});
  expect(values).toEqual(attribute.map((value) => ({ type: 'opaque', value })));
  expect(decodeOnnx(encodeOnnx(read))).toEqual(read);
});

test('an all-float16 model becomes a float32 one', async () => {
  const half = (name: string, values: number[]) =>
    create(TensorProtoSchema, { name, dims: [BigInt(values.length)], dataType: 10, int32Data: values });
  const to = (type: number) => [
    toBinary(AttributeProtoSchema, create(AttributeProtoSchema, { name: 'to', type: 2, i: BigInt(type) })),
  ];
  const graph = {
    name: 'half',
    node: [
      create(NodeProtoSchema, { opType: 'Cast', input: ['x'], output: ['a'], attribute: to(10) }),
      create(NodeProtoSchema, { opType: 'Mul', input: ['a', 'w'], output: ['b'] }),
      create(NodeProtoSchema, { opType: 'Cast', input: ['b'], output: ['c'], attribute: to(1) }),
      create(NodeProtoSchema, { opType: 'Relu', input: ['c'], output: ['y'] }),
    ],
    input: [valueInfo('x', 10, ['N', 2])],
    output: [valueInfo('y', 10, ['N', 2])],
    initializer: [half('w', [0x4000, 0x3800])],
  };
  const proto = create(ModelProtoSchema, { irVersion: 8n, graph, opsetImport: [{ domain: '', version: 18n }] });
  const read = fold(decodeOnnx(toBinary(ModelProtoSchema, proto)));
  expect([...read.inputs, ...read.outputs].map(({ dtype }) => dtype)).toEqual(['float32', 'float32']);
  expect(read.nodes.map(({ op }) => op)).toEqual(['Mul', 'Relu']);
  const input = { dims: [1, 2], data: Float32Array.of(3, 5) };
  const { y } = await runModel(encodeOnnx(read), { inputs: { x: input } });
  expect(y?.data).toEqual(Float32Array.of(6, 2.5));
});

test('external data: the same model, whole or not at all', async () => {
  const graph = resnet18({ width: 0.125, size: 32, classes: 5, seed: 1 });
  const inside = path.join(folder, 'inside.onnx');
  const outside = path.join(folder, 'outside.onnx');
  await writeOnnx(graph, inside);
  await writeOnnx(graph, outside, { externalData: true });
  expect(statSync(outside).size).toBeLessThan(statSync(inside).size / 5);
  const bytes = Buffer.from(encodeOnnx(graph));
  expect(bytes.equals(encodeOnnx(await readOnnx(outside)))).toBe(true);
  expect(bytes.equals(encodeOnnx(await readOnnx(inside)))).toBe(true);
  expect(bytes.equals(readFileSync(inside))).toBe(true);
  const expected = await runModel(inside);
  expect(await runModel(outside)).toEqual(expected);
  // Written over: the model refers to its own data, and only that is left.
  await writeOnnx(graph, outside, { externalData: true });
  expect(await runModel(outside)).toEqual(expected);
  expect(
    readdirSync(folder)
      .filter((name) => name.startsWith('outside'))
      .sort(),
  ).toHaveLength(2);
});

test('what cannot be written leaves nothing behind and the old file as it was', async () => {
  const graph = squeezenet({ width: 0.125, size: 32, classes: 3 });
  await expect(save(graph, path.join(folder, 'none', 'm.onnx'))).rejects.toThrow(/m\.onnx cannot be written/);
  const file = path.join(folder, 'kept.onnx');
  await save(graph, file);
  const before = readFileSync(file);
  const broken: Graph = { ...graph, outputs: [{ name: 'nowhere', dtype: 'float32', dims: [1] }] };
  await expect(save(broken, file)).rejects.toThrow(/"nowhere"/);
  expect(readFileSync(file).equals(before)).toBe(true);
  expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  expect(existsSync(path.join(folder, 'none'))).toBe(false);
  expect((await load(file)).nodes.length).toBeGreaterThan(10);
  writeFileSync(path.join(folder, 'model.pt'), 'x');
  await expect(load(path.join(folder, 'model.pt'))).rejects.toThrow(/model format "\.pt" is not known; ONNX/);
});

test('a graph is checked: names, order, shapes', () => {
  const b = graphBuilder('checked');
  const graph = b.build(b.relu(b.relu(b.input([2]))));
  validateGraph(graph);
  const [first, second] = graph.nodes;
  if (!first || !second) throw new Error('Two nodes were expected.');
  expect(() => validateGraph({ ...graph, nodes: [second, first] })).toThrow(/reads the value .* nothing before it/);
  expect(() => validateGraph({ ...graph, nodes: [first, { ...second, name: first.name }] })).toThrow(/Two nodes/);
  expect(() => validateGraph({ ...graph, outputs: [] })).toThrow(/no output/);
  const short = new Map([['w', { dtype: 'float32' as const, dims: [3], data: new Float32Array(2) }]]);
  expect(() => validateGraph({ ...graph, initializers: short })).toThrow(/"w" of shape \[3\] needs 3 elements/);
});
