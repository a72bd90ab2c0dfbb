import { TascnetError } from '../../errors.js';
import { float32Data } from '../../graph/tensor.js';
import { addToChannels, type Criterion } from '../criterion.js';

/** |scale| of the batch norm behind a filter (Liu et al. 2017, Network Slimming). */
export const batchNorm: Criterion = {
  name: 'bn',
  needs: 'weights',
  comparable: true,
  scores: async ({ graph, dependencies }) => {
    const scales = new Set(
      graph.nodes.filter((node) => node.op === 'BatchNormalization').map((node) => node.inputs[1]),
    );
    return dependencies.groups.map((group) => {
      const total = new Float64Array(group.channels);
      const members = group.members.filter((member) => scales.has(member.value));
      if (members.length === 0)
        throw new TascnetError(`Criterion bn: group "${group.id}" has no batch norm behind it.`, {
          hint: 'Choose another criterion, such as l1.',
        });
      for (const member of members) {
        const tensor = graph.initializers.get(member.value);
        if (tensor) addToChannels(total, member, float32Data(tensor, member.value).map(Math.abs));
      }
      return total;
    });
  },
};
