/** Weights in HDF5: under the layers' classes, as Keras 3 saves them in .keras files, and under their names, as .h5 files have them. */

import type { Hdf5 } from './hdf5.js';
import { refusal } from './json.js';
import { type ByLayer, byLayer, byVariable, type Place, pickByName, type WeightSource } from './weights.js';

/** `layers/conv2d_1/vars/0`: numbered by class within the model. */
export function numberedWeights(file: Hdf5): WeightSource {
  return (place, variables) => {
    if (variables.length === 0) return new Map();
    const group = `${groupOf(file, place)}/vars`;
    const found = file.names(group).length;
    if (found < variables.length)
      throw refusal(
        place,
        `the file has ${found} of its weights under "${group}"; ${variables.join(', ')} were expected.`,
      );
    return new Map(variables.map((variable, index) => [variable, file.tensor(`${group}/${index}`)]));
  };
}

/** Where the variables of a layer lie. Its name, which newer files keep beside them, has the last word. */
function groupOf(file: Hdf5, place: Place): string {
  // As Keras 2.13 has it.
  const keys = [place.key, place.key.replace(/(^|\/)layers\//g, '$1_layer_checkpoint_dependencies/')];
  const nameOf = (group: string) => file.text(`${group}/vars`, 'name');
  const key = keys.find((each) => file.names(`${each}/vars`).length > 0) ?? place.key;
  if ((nameOf(key) ?? place.name) === place.name) return key;
  const container = key.slice(0, key.lastIndexOf('/'));
  const named = file
    .names(container)
    .map((each) => `${container}/${each}`)
    .find((each) => nameOf(each) === place.name);
  if (named !== undefined) return named;
  throw refusal(place, `the file has no weights under its name; "${key}" are those of "${nameOf(key)}".`);
}

/** `model_weights/conv1/conv1/kernel:0`: a group for each layer of the outermost model, with a list of what is in it. */
export function namedWeights(file: Hdf5): WeightSource {
  const root = file.names('').includes('model_weights') ? 'model_weights/' : '';
  const groups = new Map<string, ByLayer>();
  const readGroup = (place: Place): ByLayer => {
    const group = `${root}${place.path[0] ?? place.name}`;
    const names = file.texts(group, 'weight_names');
    if (!names) throw refusal(place, `the file has no group "${group}" with its weights.`);
    return byLayer(names.map((name) => ({ name, read: () => file.tensor(`${group}/${name}`) })));
  };
  return (place, variables) => {
    if (variables.length === 0) return new Map();
    const [outermost = place.name] = place.path;
    const weights = groups.get(outermost) ?? readGroup(place);
    groups.set(outermost, weights);
    // Older files call the weights of a layer as they like: what lies in its group is its own.
    return place.path.length === 1
      ? byVariable(place, [...weights.values()].flat(), variables)
      : pickByName(place, weights, variables);
  };
}
