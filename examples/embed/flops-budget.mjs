// Fails a CI job when a network has grown beyond its budget: exit code 1, and the layers that cost the most.
//
//   node flops-budget.mjs MODEL.onnx [--flops 600M] [--parameters 5M] [--peak-bytes 20M]
//
// FLOPs are two for every multiply-add of convolutions and matrix products; peak bytes are the most that one layer reads
// and writes for one sample in float32.
import { parseArgs } from 'node:util';
import { inspect, load } from 'tascnet';
import { countCost } from 'tascnet/native';

const UNITS = { '': 1, k: 1e3, M: 1e6, G: 1e9 };
const KINDS = [
  { name: 'flops', reduce: 'sum' },
  { name: 'parameters', reduce: 'sum' },
  { name: 'peak-bytes', reduce: 'peak' },
];

function amount(text) {
  const [, number, unit] = /^(\d+(?:\.\d+)?(?:e\d+)?)([kMG]?)$/.exec(text) ?? usage();
  return Number(number) * UNITS[unit];
}

function usage() {
  console.error('usage: node flops-budget.mjs MODEL.onnx [--flops 600M] [--parameters 5M] [--peak-bytes 20M]');
  process.exit(2);
}

/** Extents as factors of a term; a symbol (the batch) counts once. */
const extents = (shape) => (shape ?? []).map((extent) => ({ constant: typeof extent === 'number' ? extent : 1 }));

/** What each layer costs, as terms. */
function termsOf(graph, { nodes, inputs }) {
  const shapes = new Map(inputs.map(({ name, shape }) => [name, shape]));
  return nodes.flatMap((layer, step) => {
    const node = graph.nodes[step];
    for (const output of node.outputs) shapes.set(output, output === node.outputs[0] ? layer.shape : null);
    const touched = [...node.inputs, node.outputs[0]].filter((value) => shapes.get(value)?.length > 0);
    return [
      { kind: 'flops', coefficient: 2 * layer.macs, factors: [] },
      { kind: 'parameters', coefficient: layer.parameters, factors: [] },
      ...touched.map((value) => ({ kind: 'peak-bytes', coefficient: 4, factors: extents(shapes.get(value)), step })),
    ];
  });
}

/** A misspelt budget must not pass for none. */
function given() {
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch {
    return usage();
  }
}

const options = Object.fromEntries(KINDS.map(({ name }) => [name, { type: 'string' }]));
const { values, positionals } = given();
const model = positionals[0] ?? usage();
const [graph, inspection] = await Promise.all([load(model), inspect(model)]);
const cost = await countCost({ groups: 0, kinds: KINDS, terms: termsOf(graph, inspection) }, []);

let over = false;
for (const [kind, count] of Object.entries(cost)) {
  const budget = values[kind] === undefined ? Number.POSITIVE_INFINITY : amount(values[kind]);
  over ||= count > budget;
  const verdict = count > budget ? `over the budget of ${budget}` : 'within the budget';
  console.log(`${kind}: ${count}${values[kind] === undefined ? '' : `, ${verdict}`}`);
}
if (over) {
  const heaviest = inspection.nodes.toSorted((a, b) => b.macs - a.macs).slice(0, 5);
  for (const { name, op, macs, parameters } of heaviest)
    console.log(`  ${name} (${op}): ${2 * macs} FLOPs, ${parameters} parameters`);
}
process.exitCode = over ? 1 : 0;
