import { TascnetError } from '../../errors.js';
import { batchNormParameters, type Criterion, channelScores } from '../criterion.js';

/**
 * First-order Taylor expansion of the loss (Molchanov et al. 2019, Importance Estimation for Neural Network Pruning):
 * the squared changes of the loss when a channel's batch norm's scale, and when its shift, goes to zero, added up; where
 * no batch norm stands behind a filter, its weights take their place.
 */
export const taylor: Criterion = {
  name: 'taylor',
  needs: 'gradients',
  comparable: true,
  scores: async ({ graph, dependencies, taylor: squared, reduce }) => {
    if (!squared)
      throw new TascnetError('Criterion taylor needs data to measure gradients on.', { hint: 'Give --data.' });
    const norms = batchNormParameters(graph);
    return dependencies.groups.map((group) => {
      const scaled = group.members.filter((member) => norms.has(member.value));
      const gates = scaled.length > 0 ? scaled : group.members.filter((member) => member.role === 'makes');
      const parts = gates.flatMap((member) => {
        const values = squared(member.value, member.axis);
        return values ? [{ member, values }] : [];
      });
      return channelScores(group, parts, reduce);
    });
  },
};
