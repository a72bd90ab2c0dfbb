// How alike the filters of every layer of an ONNX file are, as one picture: a square per layer, its pixel (i, j) the cosine
// similarity of filters i and j, from blue (−1, opposite) over white (0) to red (1, the same).
//
//   node filter-similarity.mjs MODEL.onnx PICTURE.png
import sharp from 'sharp';
import { load } from 'tascnet';
import { createHistory } from 'tascnet/native';

const MOST_FILTERS = 16_384;
const TILE = 192;
const GAP = 8;
const [BLUE, WHITE, RED] = [
  [33, 102, 172],
  [247, 247, 247],
  [178, 24, 43],
];

/** The weights of every layer that has filters, with the axis along which they lie. */
function layersOf(graph) {
  return graph.nodes.flatMap(({ name, op, inputs, attributes }) => {
    const weight = graph.initializers.get(inputs[1] ?? '');
    const axis = { Conv: 0, ConvTranspose: 1, Gemm: attributes.transB?.value === 1 ? 0 : 1, MatMul: 1 }[op];
    if (axis === undefined || weight?.dtype !== 'float32' || (op === 'MatMul' && weight.dims.length !== 2)) return [];
    const filters = weight.dims[axis];
    if (filters > MOST_FILTERS) console.error(`${name} is left out: ${filters} filters.`);
    return filters > 1 && filters <= MOST_FILTERS ? [{ name, weight, axis, filters }] : [];
  });
}

/** filters × filters similarities, and the most similar pair. */
async function similarityOf({ weight, axis }) {
  const history = createHistory(weight.dims, axis);
  await history.record(weight.data);
  const { first, second, similarity } = await history.topPairs(1);
  return { cosine: await history.cosine(), pair: [first[0], second[0]], most: similarity[0] };
}

function pixels(cosine) {
  const rgb = new Uint8Array(3 * cosine.length);
  cosine.forEach((value, i) => {
    const end = value < 0 ? BLUE : RED;
    for (let c = 0; c < 3; c++) rgb[3 * i + c] = Math.round(WHITE[c] + Math.abs(value) * (end[c] - WHITE[c]));
  });
  return rgb;
}

const [model, picture] = process.argv.slice(2);
if (picture === undefined) {
  console.error('usage: node filter-similarity.mjs MODEL.onnx PICTURE.png');
  process.exit(2);
}
const layers = layersOf(await load(model));
if (layers.length === 0) {
  console.error(`${model} has no layer with float32 filters.`);
  process.exit(1);
}
const columns = Math.ceil(Math.sqrt(layers.length));
const tiles = [];
for (const [i, layer] of layers.entries()) {
  const [row, column] = [Math.floor(i / columns), i % columns];
  const { cosine, pair, most } = await similarityOf(layer);
  const size = layer.filters;
  const raw = { width: size, height: size, channels: 3 };
  const kernel = size < TILE ? 'nearest' : 'mitchell';
  const input = await sharp(pixels(cosine), { raw }).resize(TILE, TILE, { kernel }).png().toBuffer();
  tiles.push({ input, left: GAP + column * (TILE + GAP), top: GAP + row * (TILE + GAP) });
  const where = `row ${row + 1}, column ${column + 1}`;
  console.log(`${where}: ${layer.name}, ${size} filters; most alike: ${pair[0]} and ${pair[1]} (${most.toFixed(3)})`);
}
const width = GAP + columns * (TILE + GAP);
const height = GAP + Math.ceil(layers.length / columns) * (TILE + GAP);
await sharp({ create: { width, height, channels: 3, background: '#222' } })
  .composite(tiles)
  .png()
  .toFile(picture);
