/** Keras and tfjs files that are damaged or made to harm: each gives one clear error that names the file and the layer. */

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate';
import { TascnetError } from '../../lib/errors.js';
import { load, save } from '../../lib/formats/index.js';
import { type Hdf5, withHdf5 } from '../../lib/formats/keras/hdf5.js';

const FIXTURES = new URL('../fixtures/keras/', import.meta.url).pathname;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tascnet-keras-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

type Json = Record<string, unknown>;

const fixture = (name: string) => new Uint8Array(readFileSync(path.join(FIXTURES, name)));

async function complaintOf(file: string): Promise<string> {
  const error = await load(file).then(
    () => new Error('It was accepted.'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TascnetError);
  const { message } = error as Error;
  expect(message).toContain(file);
  return message;
}

async function complaint(name: string, bytes: Uint8Array | string): Promise<string> {
  const file = path.join(folder, name);
  writeFileSync(file, bytes);
  return complaintOf(file);
}

/** plain.keras with another configuration, or other members. */
function archive(change: (config: Model) => void, members: Record<string, Uint8Array | undefined> = {}): Uint8Array {
  const whole = unzipSync(fixture('plain.keras'));
  const config: Model = JSON.parse(strFromU8(whole['config.json'] ?? new Uint8Array()));
  change(config);
  const changed = { ...whole, 'config.json': strToU8(JSON.stringify(config)), ...members };
  const kept = Object.entries(changed).filter((entry) => entry[1] !== undefined);
  return zipSync(Object.fromEntries(kept), { level: 0 });
}

interface LayerJson {
  module: string;
  class_name: string;
  config: Json;
}
interface Model {
  class_name: string;
  config: { layers: LayerJson[] };
}

const layerNamed = (model: Model, name: string): LayerJson => {
  const layer = model.config.layers.find(({ config }) => config.name === name);
  if (!layer) throw new Error(`No layer ${name}.`);
  return layer;
};
const withLayer = (name: string, change: (layer: LayerJson) => void) =>
  archive((model) => change(layerNamed(model, name)));

test('files that are something else, empty, or not there', async () => {
  expect(await complaint('empty.keras', '')).toMatch(/the file is empty/);
  expect(await complaint('page.h5', '<!DOCTYPE html>')).toMatch(/neither a \.keras archive nor an HDF5 file/);
  expect(await complaint('text.json', 'Hello')).toMatch(/is not JSON/);
  expect(await complaint('list.json', '[1]')).toMatch(/should be a JSON object/);
  expect(await complaint('package.json', '{"name":"x"}')).toMatch(/not the model\.json of a tfjs LayersModel/);
  expect(await complaint('graph.json', '{"format":"graph-model"}')).toMatch(/GraphModel/);
  expect(await complaintOf(path.join(folder, 'none.keras'))).toMatch(/cannot be opened/);
  mkdirSync(path.join(folder, 'folder.keras'));
  expect(await complaintOf(path.join(folder, 'folder.keras'))).toMatch(/not a file/);
});

test('models cut off anywhere are refused, never half read', async () => {
  for (const name of ['plain.keras', 'plain.h5', 'residual.keras', 'old-keras2.h5']) {
    const whole = fixture(name);
    for (let part = 0; part < 12; part++)
      expect(await complaint(`cut-${name}`, whole.subarray(0, Math.floor((whole.length * part) / 12)))).toMatch(
        /truncated|empty|neither/,
      );
  }
});

test('random damage gives a clear error or a model, never another error', async () => {
  for (const name of ['plain.keras', 'plain.h5']) {
    const whole = fixture(name);
    const file = path.join(folder, `damaged-${name}`);
    for (let index = 0; index < 15; index++) {
      const at = (index * 7919 + 13 * index * index) % whole.length;
      writeFileSync(file, whole.with(at, (whole[at] ?? 0) ^ (1 << (index % 8))));
      await load(file).catch((error: unknown) => expect(error).toBeInstanceOf(TascnetError));
    }
  }
});

test('archives that lack a part, or claim sizes that cannot be', async () => {
  const without = (member: string) => archive(() => {}, { [member]: undefined });
  expect(await complaint('a.keras', without('config.json'))).toMatch(/no config\.json/);
  expect(await complaint('b.keras', without('model.weights.h5'))).toMatch(/no model\.weights\.h5/);
  expect(
    await complaint(
      'c.keras',
      archive(() => {}, { 'config.json': strToU8('{"a":') }),
    ),
  ).toMatch(/config\.json is not JSON/);
  expect(
    await complaint(
      'd.keras',
      archive(() => {}, { 'model.weights.h5': strToU8('none') }),
    ),
  ).toMatch(/not an HDF5 file/);
  const bomb = archive(() => {});
  const view = new DataView(bomb.buffer, bomb.byteOffset);
  // The unpacked size in every entry of the directory at the end.
  for (let at = 0; at + 46 < bomb.length; at++)
    if (view.getUint32(at, true) === 0x02014b50) view.setUint32(at + 24, 0xfffffff0, true);
  expect(await complaint('bomb.keras', bomb)).toMatch(/claims 4294967280 bytes.*cannot be/);
});

test('weights that are missing, of another shape, or of another layer', async () => {
  const foreign = unzipSync(fixture('pools.keras'))['model.weights.h5'];
  expect(
    await complaint(
      'a.keras',
      archive(() => {}, { 'model.weights.h5': foreign }),
    ),
  ).toMatch(/Conv2D "conv1": the file has 0 of its weights under "layers\/conv2d\/vars"; kernel, bias were expected/);
  expect(
    await complaint(
      'b.keras',
      withLayer('conv2', ({ config }) => Object.assign(config, { filters: 7 })),
    ),
  ).toMatch(/Conv2D "conv2": its kernel has the shape \[3,3,4,5\] in the file; \[3,3,\?,7\] was expected/);
  expect(
    await complaint(
      'c.keras',
      withLayer('conv2', ({ config }) => Object.assign(config, { name: 'other' })),
    ),
  ).toMatch(/"other"/);
  expect(
    await complaint(
      'd.keras',
      withLayer('conv1', ({ config }) => Object.assign(config, { kernel_size: [3, 1e9] })),
    ),
  ).toMatch(/Conv2D "conv1": its kernel has the shape/);
});

test('layers and settings that are not known', async () => {
  const layer = (name: string, change: (layer: LayerJson) => void) => complaint('layer.keras', withLayer(name, change));
  expect(await layer('pool1', (json) => Object.assign(json, { class_name: 'LSTM' }))).toMatch(
    /LSTM "pool1": layers of the class LSTM are not known/,
  );
  expect(await layer('pool1', (json) => Object.assign(json, { class_name: '__proto__' }))).toMatch(
    /"pool1".*not known/,
  );
  expect(await layer('conv1', (json) => Object.assign(json, { module: 'mine' }))).toMatch(/Conv2D "conv1".*not known/);
  expect(await layer('conv1', ({ config }) => Object.assign(config, { activation: 'mine' }))).toMatch(
    /Conv2D "conv1": its activation "mine" is not known/,
  );
  expect(await layer('conv1', ({ config }) => Object.assign(config, { activation: 'constructor' }))).toMatch(
    /not known/,
  );
  expect(await layer('conv1', ({ config }) => Object.assign(config, { strides: [0, -1] }))).toMatch(
    /Conv2D "conv1": its strides should be 2 whole numbers of at least 1, not \[0,-1\]/,
  );
  expect(await layer('conv1', ({ config }) => Object.assign(config, { kernel_size: 'large' }))).toMatch(/kernel_size/);
  expect(await layer('bn2', ({ config }) => Object.assign(config, { axis: 9 }))).toMatch(
    /"bn2": the axis 9 is outside/,
  );
  expect(await layer('image', ({ config }) => Object.assign(config, { batch_shape: [null, 2 ** 40, 1, 3] }))).toMatch(
    /InputLayer "image".*impossible extent/,
  );
  expect(await layer('image', ({ config }) => Object.assign(config, { batch_shape: [null, 1, 1, 3] }))).toMatch(
    /MaxPool "pool1": a window of 2 does not fit/,
  );
  expect(await layer('conv1', ({ config }) => Object.assign(config, { name: 'conv2' }))).toMatch(
    /two layers are named/,
  );
  expect(await layer('conv1', ({ config }) => Object.assign(config, { name: 5 }))).toMatch(/Conv2D has no name/);
  const subclass = archive((model) => Object.assign(model, { class_name: 'MyModel', config: {} }));
  expect(await complaint('own.keras', subclass)).toMatch(/of the class MyModel; Functional or Sequential was expected/);
});

interface Node {
  name: string;
  class_name: string;
  config: Json;
  inbound_nodes: unknown[];
}
const relu = (name: string, ...from: string[]): Node => ({
  name,
  class_name: 'ReLU',
  config: { name },
  inbound_nodes: from.map((before) => [[before, 0, 0, {}]]),
});
const input = (shape: unknown = [null, 4]): Node => ({
  name: 'x',
  class_name: 'InputLayer',
  config: { name: 'x', batch_input_shape: shape },
  inbound_nodes: [],
});
const functional = (layers: unknown[], output: unknown = ['y', 0, 0], more: Json = {}) => ({
  class_name: 'Functional',
  config: { name: 'm', layers, input_layers: [['x', 0, 0]], output_layers: [output], ...more },
});
/** A tfjs model without weights, for what is wrong with its network. */
const network = (model: unknown, weightsManifest: unknown = []) =>
  complaint('model.json', JSON.stringify({ modelTopology: { model_config: model }, weightsManifest }));

test('networks that are none', async () => {
  expect(await network(functional([input(), relu('a', 'y'), relu('y', 'a')]))).toMatch(
    /"(a|y)" and "(a|y)" feed each other in a circle/,
  );
  expect(await network(functional([input(), relu('y', 'y')]))).toMatch(/circle/);
  expect(await network(functional([input(), relu('y', 'none')]))).toMatch(
    /ReLU "y" reads the layer "none", of which there is no such call/,
  );
  expect(await network(functional([input(), relu('y', 'x')], ['y', 7, 0]))).toMatch(/no such call/);
  expect(await network(functional([input(), relu('y', 'x')], ['y', 0, 3]))).toMatch(
    /output 3 of call 0 of the layer "y"/,
  );
  expect(await network(functional([input(), relu('y', 'x')], ['y', -1, 0]))).toMatch(/are not told/);
  expect(await network(functional([relu('y', 'x')]))).toMatch(/names the input "x", which it does not have/);
  expect(await network(functional([input(null), relu('y', 'x')]))).toMatch(/shape of the input is not told/);
  expect(
    await network(functional([input(), { ...relu('y'), inbound_nodes: [[['x', 0, 0, { inputs: 'z' }]]] }])),
  ).toMatch(/"y"/);
  expect(await network(functional([input(), null]))).toMatch(/a layer of the model names no class/);
  expect(await network({ class_name: 'Sequential', config: [] })).toMatch(/has no layers/);
  expect(await network({ class_name: 'Sequential', config: { layers: 3 } })).toMatch(/lists no layers/);
});

test('models within models: not too deep, and not a network without end', async () => {
  let deep: unknown = { class_name: 'Sequential', config: { name: 's', layers: [relu('y')] } };
  for (let level = 0; level < 40; level++)
    deep = { class_name: 'Sequential', name: `s${level}`, config: { name: `s${level}`, layers: [deep] } };
  expect(await network(deep)).toMatch(/nested too deeply/);

  let wide: Node = relu('y');
  for (let level = 0; level < 14; level++) {
    const inner = { ...wide, name: 'inner', inbound_nodes: [[['x', 0, 0, {}]]] as unknown[] };
    for (let call = 0; call < 20; call++) inner.inbound_nodes.push([['inner', call, 0, {}]]);
    wide = { name: 'y', inbound_nodes: [], ...functional([input(), inner], ['inner', 20, 0]) };
  }
  const before = Date.now();
  expect(await network(wide)).toMatch(/calls its layers more than 100000 times|extent|nested/);
  expect(Date.now() - before).toBeLessThan(20_000);
});

test('shards of weights that are outside the folder, or not as long as the manifest says', async () => {
  const root = path.join(folder, 'tfjs');
  cpSync(path.join(FIXTURES, 'old-tfjs'), root, { recursive: true });
  const file = path.join(root, 'model.json');
  const json = JSON.parse(readFileSync(file, 'utf8'));
  const [first, second] = json.weightsManifest;
  const withManifest = (manifest: unknown) => {
    writeFileSync(file, JSON.stringify({ ...json, weightsManifest: manifest }));
    return complaintOf(file);
  };
  const outside = path.join(folder, 'outside.bin');
  writeFileSync(outside, new Uint8Array(140));
  symlinkSync(outside, path.join(root, 'link.bin'));
  for (const shard of ['../outside.bin', outside, 'https://x/y.bin', '..\\outside.bin'])
    expect(await withManifest([first, { ...second, paths: [shard] }])).toMatch(/not a path inside the model's folder/);
  expect(await withManifest([first, { ...second, paths: ['link.bin'] }])).toMatch(
    /link that leaves the model's folder/,
  );
  expect(await withManifest([first, { ...second, paths: ['none.bin'] }])).toMatch(/"none\.bin" cannot be read/);
  expect(await withManifest([first, { ...second, paths: [] }])).toMatch(/take 140 bytes, but their files have 0/);
  expect(await withManifest([second])).toMatch(
    /BatchNormalization "bn": the file has no weights for it|DepthwiseConv2D|"/,
  );
  expect(await withManifest({})).toMatch(/no weightsManifest/);
  const entry = (change: Json) => withManifest([{ ...first, weights: [{ ...first.weights[0], ...change }] }]);
  expect(await entry({ shape: [2 ** 40, 2 ** 40] })).toMatch(/impossible shape/);
  expect(await entry({ shape: [-1] })).toMatch(/impossible shape/);
  expect(await entry({ dtype: 'string' })).toMatch(/has the type "string"/);
  expect(await entry({ name: 5 })).toMatch(/no name/);
  writeFileSync(path.join(root, 'group1-shard1of2.bin'), new Uint8Array(3));
  expect(await withManifest([first, second])).toMatch(/take \d+ bytes, but their files have \d+/);
});

test('HDF5 links and external storage lead nowhere', async () => {
  const { File, ready } = await import('h5wasm');
  const { FS } = await ready;
  const made = (fill: (file: InstanceType<typeof File>) => void): Uint8Array => {
    const file = new File('/made.h5', 'w');
    fill(file);
    file.close();
    const bytes = FS.readFile('/made.h5');
    FS.unlink('/made.h5');
    return bytes;
  };
  const linked = made((file) => {
    file.create_group('layers');
    file.create_group('layers/conv2d');
    file.create_external_link('/etc/passwd', '/vars', 'layers/conv2d/vars');
  });
  expect(
    await complaint(
      'linked.keras',
      archive(() => {}, { 'model.weights.h5': linked }),
    ),
  ).toMatch(/Conv2D "conv1"/);
  const whole = made((file) => {
    file.create_group('layers');
    file.create_group('layers/conv2d');
    file.create_group('layers/conv2d/vars');
    const vars = file.get('layers/conv2d/vars');
    if (!vars || !('create_dataset' in vars)) throw new Error('No group.');
    vars.create_dataset({ name: '0', data: Int32Array.from({ length: 108 }), shape: [3, 3, 3, 4] });
    vars.create_soft_link('/layers/conv2d/vars/1', '1');
  });
  expect(
    await complaint(
      'whole.keras',
      archive(() => {}, { 'model.weights.h5': whole }),
    ),
  ).toMatch(/not of float32 numbers/);
  const weightsAlone = unzipSync(fixture('plain.keras'))['model.weights.h5'] ?? new Uint8Array();
  expect(await complaint('alone.h5', weightsAlone)).toMatch(/weights alone/);
});

test('HDF5 that keeps its reader busy for ever is given up', async () => {
  // A node of a tree that comes after itself.
  const endless = fixture('nested.h5').with(2176, 0);
  const all = (file: Hdf5) =>
    file.names('model_weights').flatMap((layer) => {
      const group = `model_weights/${layer}`;
      return (file.texts(group, 'weight_names') ?? []).map((name) => file.tensor(`${group}/${name}`));
    });
  await expect(withHdf5(endless, all, 2_000)).rejects.toThrow(/takes too long/);
  expect((await withHdf5(fixture('nested.h5'), all)).length).toBeGreaterThan(10);
});

test('Keras models are only read', async () => {
  const graph = await load(path.join(FIXTURES, 'plain.keras'));
  const out = path.join(folder, 'out.keras');
  await expect(save(graph, out)).rejects.toThrow(/out\.keras: Keras models are only read; tascnet writes ONNX/);
});

test("a constant that is a list, somebody's own class and endless activations are refused by name", async () => {
  const reading = (className: string, config: Json, options: Json = {}): Node => ({
    name: 'y',
    class_name: className,
    config: { name: 'y', trainable: true, ...config },
    inbound_nodes: [[['x', 0, 0, options]]],
  });
  const refusal = (...layer: Parameters<typeof reading>) => network(functional([input(), reading(...layer)]));
  expect(await refusal('TFOpLambda', { function: 'math.subtract' }, { y: [103, 116, 123] })).toMatch(
    /TFOpLambda "y".*list of numbers/,
  );
  for (const own of ['Gelu', 'Mean', 'Silu'])
    expect(await refusal(own, {})).toMatch(new RegExp(`${own} "y": layers of the class ${own} are not known`));
  const inner = { class_name: 'Activation', config: { activation: 'relu' } };
  expect(await refusal('Activation', { activation: inner })).toMatch(/Activation "y".*not known/);
  const shallow = {
    modelTopology: { model_config: functional([input(), reading('Activation', { activation: 'HERE' })]) },
  };
  // As text, since JSON.stringify would overflow.
  const levels = 20_000;
  const deep = `${'{"class_name":"Activation","config":{"activation":'.repeat(levels)}"relu"${'}}'.repeat(levels)}`;
  expect(await complaint('deep.json', JSON.stringify(shallow).replace('"HERE"', deep))).toMatch(/nested too deeply/);
});
