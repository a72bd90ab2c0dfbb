/** Files that are damaged or made to harm: each gives one clear error that names the file and what is wrong. */

import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { TascnetError } from '../../lib/errors.js';
import {
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from '../../lib/formats/onnx/generated/onnx_pb.js';
import { decodeOnnx, encodeOnnx, readOnnx } from '../../lib/formats/onnx/index.js';
import { squeezenet } from '../models/families.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tascnet-hostile-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

type Fields<T> = Partial<Omit<T, '$typeName' | '$unknown'>>;

const info = (name: string) =>
  create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: 'tensorType',
        value: { elemType: 1, shape: { dim: [{ value: { case: 'dimValue', value: 2n } }] } },
      },
    },
  });
const node = (opType: string, input: string[], output: string[], more: Fields<NodeProto> = {}) =>
  create(NodeProtoSchema, { opType, input, output, name: `${opType}-node`, ...more });
const tensor = (name: string, more: Fields<TensorProto> = {}) =>
  create(TensorProtoSchema, { name, dims: [2n], dataType: 1, rawData: new Uint8Array(8), ...more });

/** x + w, with the given parts of the graph in place of its own. */
function model(parts: Fields<GraphProto> = {}, more: object = {}): Uint8Array {
  const graph = create(GraphProtoSchema, {
    name: 'g',
    node: [node('Add', ['x', 'w'], ['y'])],
    input: [info('x')],
    output: [info('y')],
    initializer: [tensor('w')],
    ...parts,
  });
  const opsetImport = [{ domain: '', version: 18n }];
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, graph, opsetImport, ...more }));
}

function complaint(bytes: Uint8Array, externalRoot?: string): string {
  try {
    decodeOnnx(bytes, externalRoot === undefined ? {} : { externalRoot });
  } catch (error) {
    if (error instanceof TascnetError) return error.message;
    throw error;
  }
  throw new Error('It was accepted.');
}

async function fileComplaint(name: string, bytes: Uint8Array | string): Promise<string> {
  const file = path.join(folder, name);
  writeFileSync(file, bytes);
  const error = await readOnnx(file).then(
    () => new Error('It was accepted.'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TascnetError);
  return String((error as Error).message);
}

test('a text file, an empty file, a folder and a file that is not there', async () => {
  expect(await fileComplaint('text.onnx', 'Hello, this is not a model.\n')).toMatch(/text\.onnx: this is not an ONNX/);
  expect(await fileComplaint('page.onnx', '<!DOCTYPE html><html></html>')).toMatch(/page\.onnx: this is not an ONNX/);
  expect(await fileComplaint('empty.onnx', '')).toMatch(/empty\.onnx: the file is empty/);
  await expect(readOnnx(folder)).rejects.toThrow(/not a file/);
  await expect(readOnnx(path.join(folder, 'none.onnx'))).rejects.toThrow(/none\.onnx: the model cannot be opened/);
});

test('a model cut off anywhere is refused, never half read', () => {
  const whole = encodeOnnx(squeezenet({ width: 0.125, size: 32, classes: 3 }));
  for (let part = 0; part < 40; part++) {
    const end = Math.floor((whole.length * part) / 40);
    expect(complaint(whole.subarray(0, end))).toMatch(/not an ONNX model|truncated|empty/);
  }
});

test('random damage gives a clear error or a model, never another error', () => {
  const whole = model();
  for (let index = 0; index < whole.length; index++)
    for (const change of [0, 0x7f, 0xff, (whole[index] ?? 0) ^ 1]) {
      try {
        decodeOnnx(whole.with(index, change));
      } catch (error) {
        expect(error).toBeInstanceOf(TascnetError);
      }
    }
});

test('nodes out of order are sorted; a circle is an error', () => {
  const sorted = decodeOnnx(
    model({
      node: [node('Relu', ['a'], ['y'], { name: 'second' }), node('Add', ['x', 'w'], ['a'], { name: 'first' })],
    }),
  );
  expect(sorted.nodes.map(({ name }) => name)).toEqual(['first', 'second']);
  expect(complaint(model({ node: [node('Add', ['x', 'b'], ['y']), node('Relu', ['y'], ['b'])] }))).toMatch(
    /"Relu-node" .*"Add-node".*|"Add-node".*"Relu-node".*circle/,
  );
  expect(complaint(model({ node: [node('Add', ['x', 'y'], ['y'])] }))).toMatch(/"Add-node".*circle/);
});

test('names: duplicates of values are errors, nodes without a name get one', () => {
  const twice = [node('Relu', ['x'], ['y'], { name: 'a' }), node('Relu', ['x'], ['y'], { name: 'b' })];
  expect(complaint(model({ node: twice }))).toMatch(/Relu "b" defines the value "y" a second time/);
  expect(complaint(model({ initializer: [tensor('w'), tensor('w')] }))).toMatch(/two initializers are named "w"/);
  expect(complaint(model({ node: [node('Add', ['x', 'z'], ['y'])] }))).toMatch(/Add "Add-node" reads the value "z"/);
  expect(complaint(model({ output: [info('q')] }))).toMatch(/output "q"/);
  const relu = (input: string, output: string, name: string) => node('Relu', [input], [output], { name });
  const named = decodeOnnx(
    model({ node: [relu('x', 'a', ''), relu('a', 'b', 'Relu_0'), relu('b', 'c', 'r'), relu('c', 'y', 'r')] }),
  );
  expect(named.nodes.map(({ name }) => name)).toEqual(['Relu_0_1', 'Relu_0', 'r', 'r_1']);
});

test('tensors whose shape or bytes cannot be', () => {
  const bad = (more: Fields<TensorProto>) => complaint(model({ initializer: [tensor('w', more)] }));
  expect(bad({ dims: [3n] })).toMatch(/Tensor "w" of shape \[3\] and type float32 needs 12 bytes, but the file has 8/);
  expect(bad({ dims: [-2n] })).toMatch(/Tensor "w" has an impossible shape: \[-2\]/);
  expect(bad({ dims: [2n ** 40n, 2n ** 40n] })).toMatch(/impossible shape/);
  expect(bad({ dims: [2n ** 62n, 4n] })).toMatch(/impossible shape/);
  expect(bad({ dims: [2n ** 33n] })).toMatch(/needs 34359738368 bytes/);
  expect(bad({ rawData: new Uint8Array(), floatData: [1] })).toMatch(/needs 2 elements, but the file has 1/);
  expect(bad({ dataType: 22 })).toMatch(/int4/);
  expect(bad({ dataType: 99 })).toMatch(/number 99/);
});

test('sparse initializers, functions, sub-graphs and other kinds of value', () => {
  expect(complaint(model({ sparseInitializer: [new Uint8Array(3)] }))).toMatch(/sparse initializers/);
  const call = [node('Add', ['x', 'w'], ['y'], { domain: 'own', name: 'call' })];
  const functions = [{ name: 'Add', domain: 'own' }];
  expect(complaint(model({ node: call }, { functions }))).toMatch(/node "call" calls the model's own function Add/);
  const branch = toBinary(
    AttributeProtoSchema,
    create(AttributeProtoSchema, { name: 'then_branch', type: 5, g: new Uint8Array(4) }),
  );
  expect(complaint(model({ node: [node('If', ['x'], ['y'], { attribute: [branch] })] }))).toMatch(
    /If "If-node": attribute then_branch is a sub-graph/,
  );
  const sequence = create(ValueInfoProtoSchema, {
    name: 's',
    type: { value: { case: 'sequenceType', value: new Uint8Array(2) } },
  });
  expect(complaint(model({ input: [info('x'), sequence] }))).toMatch(/"s" is not a tensor, but a sequence/);
});

test('operator sets that are too old or too new', () => {
  expect(complaint(model({}, { opsetImport: [{ domain: '', version: 99n }] }))).toMatch(/operator set 99; 7 to/);
  expect(complaint(model({}, { opsetImport: [{ domain: '', version: 3n }] }))).toMatch(/operator set 3; 7 to/);
});

test('nesting without end is not followed', () => {
  // Groups (wire type 3) open for ever; lengths that lead nowhere.
  expect(complaint(new Uint8Array(100_000).fill(0x3b))).toMatch(/not an ONNX model/);
  expect(complaint(new Uint8Array(100_000).fill(0x3a))).toMatch(/not an ONNX model/);
});

test('attributes and metadata called __proto__ stay data', () => {
  const attribute = [
    toBinary(AttributeProtoSchema, create(AttributeProtoSchema, { name: '__proto__', type: 2, i: 5n })),
  ];
  const graph = decodeOnnx(
    model(
      { node: [node('Add', ['x', 'w'], ['y'], { attribute })] },
      { metadataProps: [{ key: '__proto__', value: 'evil' }] },
    ),
  );
  expect(Object.keys(graph.metadata)).toEqual(['__proto__']);
  expect(Object.keys(graph.nodes[0]?.attributes ?? {})).toEqual(['__proto__']);
  expect(typeof Object.getPrototypeOf(graph.metadata)).toBe('object');
  const again = decodeOnnx(encodeOnnx(graph));
  expect(again).toEqual(graph);
});

test('external data is read only from regular files inside the folder', () => {
  const root = path.join(folder, 'model');
  const outside = path.join(folder, 'secret.bin');
  mkdirSync(path.join(root, 'sub'), { recursive: true });
  writeFileSync(outside, new Uint8Array(8));
  writeFileSync(path.join(root, 'w.bin'), Float32Array.from([9, 1, 2, 9]));
  writeFileSync(path.join(root, 'sub', 'w.bin'), Float32Array.from([3, 4]));
  symlinkSync(outside, path.join(root, 'link.bin'));
  symlinkSync(path.join(root, 'sub'), path.join(root, 'inside'));
  symlinkSync(folder, path.join(root, 'up'));
  linkSync(outside, path.join(root, 'hard.bin'));
  const external = (entries: Record<string, string>) =>
    model({
      initializer: [
        tensor('w', {
          rawData: new Uint8Array(),
          dataLocation: 1,
          externalData: Object.entries(entries).map(([key, value]) => ({
            $typeName: 'tascnet.onnx.StringStringEntryProto',
            key,
            value,
          })),
        }),
      ],
    });
  const read = (entries: Record<string, string>) =>
    decodeOnnx(external(entries), { externalRoot: root }).initializers.get('w')?.data;
  const refused = (entries: Record<string, string>) => complaint(external(entries), root);

  expect(read({ location: 'w.bin', offset: '4', length: '8' })).toEqual(Float32Array.from([1, 2]));
  expect(read({ location: 'sub/w.bin' })).toEqual(Float32Array.from([3, 4]));
  expect(read({ location: 'inside/w.bin' })).toEqual(Float32Array.from([3, 4]));
  for (const location of ['../secret.bin', outside, 'sub/../../secret.bin', '..\\secret.bin', 'C:\\x', 'https://x/w'])
    expect(refused({ location })).toMatch(/"w".*is not a path inside the model's folder/);
  expect(refused({ location: '*/_ORT_MEM_ADDR_/*', offset: '4096' })).toMatch(/not a path inside/);
  expect(refused({ location: 'link.bin' })).toMatch(/is a link that leaves the model's folder/);
  expect(refused({ location: 'up/secret.bin' })).toMatch(/is a link that leaves the model's folder/);
  expect(refused({ location: 'hard.bin' })).toMatch(/hard link/);
  expect(refused({ location: 'sub' })).toMatch(/not a regular file/);
  expect(refused({ location: 'none.bin' })).toMatch(/cannot be read/);
  expect(refused({ location: 'w.bin', offset: '12', length: '8' })).toMatch(/ends at byte 16/);
  expect(refused({ location: 'w.bin', offset: '-4', length: '8' })).toMatch(/whole number of bytes/);
  expect(refused({ location: 'w.bin', offset: '0', length: '12' })).toMatch(/12 bytes for it, but .* need 8/);
  expect(refused({ location: 'w.bin', offset: '99999999999999999999' })).toMatch(/whole number of bytes/);
  expect(refused({ location: 'w.bin', offset: '1000' })).toMatch(/ends at byte 16/);
  expect(complaint(external({ location: 'w.bin' }))).toMatch(/folder of the model is not known/);
});
