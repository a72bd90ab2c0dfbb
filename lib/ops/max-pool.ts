import { mismatch, type Operator, required, requiredTensor } from './operator.js';
import { poolCost, poolDims, poolWindow, resizablePool, tieBatchAndChannels } from './pool.js';
import { asImage, fromImage, onImage, slide } from './window.js';

/** MaxPool: the largest element of each window; padding is −∞. Its second output, Indices, cannot be computed. */
export const maxPool: Operator = {
  op: 'MaxPool',
  layout: 'channelsLast',
  infer: (context) => {
    const dims = poolDims(context);
    const { dtype } = required(context, 0);
    return context.node.outputs.length > 1
      ? [
          { dtype, dims },
          { dtype: 'int64', dims },
        ]
      : [{ dtype, dims }];
  },
  run: (context) => {
    const { tf, node } = context;
    if (node.outputs.some((name, index) => index > 0 && name !== ''))
      throw mismatch(node, 'its output Indices cannot be computed by the engine.');
    const x = requiredTensor(context, 0);
    const window = onImage(node, poolWindow(node));
    const options = { padValue: Number.NEGATIVE_INFINITY, same: true, equalStrides: false };
    const [height = 1, width = 1] = window.kernel;
    const y = slide(tf, asImage(tf, x), window, options, (image, strides, pad) =>
      tf.maxPool(image, [height, width], strides, pad),
    );
    return [fromImage(tf, y, x.rank)];
  },
  cost: poolCost,
  tie: tieBatchAndChannels,
  window: resizablePool,
};
