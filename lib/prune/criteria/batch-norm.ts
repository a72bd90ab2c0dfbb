import { TascnetError } from '../../errors.js';
import { float32Data } from '../../graph/tensor.js';
import { operatorOf } from '../../ops/registry.js';
import { type Criterion, channelScores } from '../criterion.js';

/** |scale| of the batch norm behind a filter (Liu et al. 2017, Network Slimming). */
export const batchNorm: Criterion = {
  name: 'bn',
  needs: 'weights',
  comparable: true,
  scores: async ({ graph, dependencies, reduce }) => {
    // An operator with running statistics is a batch norm, and the first thing that it learns is its scale.
    const scales = new Set(
      graph.nodes.flatMap((node) => {
        const operator = operatorOf(node);
        return operator?.buffers ? [node.inputs[operator.parameters?.[0] ?? -1]] : [];
      }),
    );
    return dependencies.groups.map((group) => {
      const members = group.members.filter((member) => scales.has(member.value));
      if (members.length === 0)
        throw new TascnetError(`Criterion bn: group "${group.id}" has no batch norm behind it.`, {
          hint: 'Choose another criterion, such as l1.',
        });
      const parts = members.flatMap((member) => {
        const tensor = graph.initializers.get(member.value);
        return tensor ? [{ member, values: float32Data(tensor, member.value).map(Math.abs) }] : [];
      });
      return channelScores(group, parts, reduce);
    });
  },
};
