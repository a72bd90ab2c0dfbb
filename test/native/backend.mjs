// Runs in a process of its own: node backend.mjs CASES.json. Makes the calls that the file lists on whatever the environment
// chooses, and prints the device and every call's numbers, or its error, as one JSON document.
import { readFileSync } from 'node:fs';
import * as native from '../../dist/native.js';

const TYPES = { Float32Array, Float64Array, Uint8Array, Uint16Array, Int32Array, BigInt64Array };

/** `{ type, values }` is a typed array. */
function decode(value) {
  if (Array.isArray(value)) return value.map(decode);
  if (typeof value !== 'object' || value === null) return value;
  if ('type' in value) return TYPES[value.type].from(value.values, value.type === 'BigInt64Array' ? BigInt : Number);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, decode(each)]));
}

const CALLS = {
  norms: (...args) => native.norms(...args),
  async normsOfAll(kind, ...tensors) {
    return (await native.normsOfAll(tensors, kind)).flatMap((scores) => [...scores]);
  },
  taylor: (weight, gradient, dims, axis) => native.taylor(weight, gradient, dims, axis, { kind: 'signed' }),
  lamp: (...args) => native.lamp(...args),
  geometricMedian: (...args) => native.geometricMedian(...args),
  async history(epochs, dims, axis) {
    const history = native.createHistory(dims, axis);
    for (const weights of epochs) await history.record(weights);
    return [...history.l1(), ...(await history.gram())];
  },
  async leastSquares(x, y, inputs, outputs, ridge) {
    const equations = native.createLeastSquares(inputs, outputs);
    await equations.add(x, y, x.length / inputs);
    return equations.solve(ridge);
  },
  async applySurgery(...cuts) {
    const results = await native.applySurgery(cuts);
    return results.flatMap((result) => Array.from(result, Number));
  },
  /** Worth the way to a device: 1024² · 2000 multiply-adds, too many bytes for a small one. */
  async large() {
    const tensor = Float32Array.from({ length: 1024 * 2000 }, (_, i) => ((i * 7) % 5) - 2);
    const history = native.createHistory([1024, 2000], 0);
    await history.record(tensor);
    return (await history.gram()).subarray(0, 1024);
  },
};

const results = [];
const device = await native.findDevice();
for (const { call, args } of JSON.parse(readFileSync(process.argv[2], 'utf8'))) {
  try {
    results.push({ values: Array.from(await CALLS[call](...decode(args))) });
  } catch (error) {
    results.push({ error: error.message });
  }
}
console.log(JSON.stringify({ device, inUse: native.addonInfo().device, results }));
